package sandbox

func seal(spec *Spec) (Confinements, error) { return constructed(), nil }
