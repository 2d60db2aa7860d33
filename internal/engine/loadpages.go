package engine

import (
	"slices"

	"golang.org/x/sys/unix"

	"vkernel/internal/linux"
	"vkernel/internal/state"
)

// LoadPages reads what SavePages wrote, into the same range, which is writable private memory. What lies in a file that does
// not change is not read: it is mapped, as a layer that others have, too.
func (i *Instance) LoadPages(d *state.Decoder, addr, length uint64) linux.Errno {
	if _, e := i.within(addr, length); e != 0 {
		return e
	}
	list := LoadFilePages(d, addr, length)
	if !i.Shared() {
		list = i.mapPlaced(d, list)
	}
	return i.writePages(d, list)
}

// LoadSharedPages reads what SaveSharedPages wrote, into a range of memory that others have mapped as well.
func (i *Instance) LoadSharedPages(d *state.Decoder, addr, length uint64) linux.Errno {
	if _, e := i.within(addr, length); e != 0 {
		return e
	}
	return i.writePages(d, LoadFilePages(d, addr, length))
}

// writePages puts pages into memory, all of which has to be there.
func (i *Instance) writePages(d *state.Decoder, list []Pages) linux.Errno {
	for _, p := range list {
		if e := i.Memory().Write(uint32(p.at), d.Fetch(p.stored)); e != 0 {
			return e
		}
	}
	if d.Failed() {
		return linux.EINVAL
	}
	return 0
}

// placedRun is adjacent pages of memory that are adjacent in a file as well.
type placedRun struct {
	hole
	fd    int
	shift int64 // from an address to the place in the file
	first int   // of the list, with so many elements
	count int
}

// mapPlaced maps the largest runs that lie in files, and gives the list of what is still to be read.
func (i *Instance) mapPlaced(d *state.Decoder, list []Pages) []Pages {
	runs := placedRuns(d, list)
	slices.SortFunc(runs, func(a, b placedRun) int { return b.pages() - a.pages() })
	var done []placedRun
	for _, r := range runs {
		if r.pages() < smallPart || len(i.parts) >= maxParts || !i.mapRun(&r) {
			break // those that follow are smaller
		}
		done = append(done, r)
	}
	slices.SortFunc(done, func(a, b placedRun) int { return b.first - a.first })
	for _, r := range done {
		list = slices.Delete(list, r.first, r.first+r.count)
	}
	return list
}

// placedRuns lists the runs that lie in files.
func placedRuns(d *state.Decoder, list []Pages) (runs []placedRun) {
	for k, p := range list {
		fd, offset, ok := d.Place(p.stored)
		if !ok || offset%pageSize != 0 {
			continue
		}
		shift, end := offset-int64(p.at), p.at+uint64(p.stored.Size)
		if n := len(runs); n > 0 {
			if r := &runs[n-1]; r.end == p.at && r.shift == shift && r.fd == fd {
				r.end = end
				r.count++
				continue
			}
		}
		runs = append(runs, placedRun{hole{p.at, end}, fd, shift, k, 1})
	}
	return runs
}

// mapRun maps a run as a layer. If the host has no room for that it reports false, and the pages are to be read.
func (i *Instance) mapRun(r *placedRun) bool {
	c := i.p.code
	fd, e := c.files.dup(r.fd, c.files.forLayers())
	if e != 0 {
		return false
	}
	l := &layer{code: c, file: fd, span: r.hole, shift: r.shift, fixed: true}
	l.users.Store(1) // while it is made
	defer l.drop()
	if i.declareParts(len(i.parts)+1) != 0 {
		return false
	}
	i.changed = true
	if l.mapInto(i, r.hole, ProtRead|ProtWrite) != 0 {
		return false
	}
	i.addParts(l, r.hole)
	l.pages.Store(int64(r.pages()))
	c.layerPages.Add(int64(r.pages()))
	return true
}

// dup is make for a copy of a descriptor.
func (f *files) dup(fd int, most int64) (int, linux.Errno) {
	if f.open.Add(1) > most {
		f.open.Add(-1)
		return -1, linux.EAGAIN
	}
	own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		f.open.Add(-1)
		return -1, linux.From(err)
	}
	return own, 0
}
