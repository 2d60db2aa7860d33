module gotool

go 1.26
