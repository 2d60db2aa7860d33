package wasm

// immediate checks that indices exist and that what they name fits the instruction.
func (v *validator) immediate(info *OpInfo) error {
	in, m := &v.in, v.m
	switch info.Imm {
	case ImmFunc:
		if in.Index >= m.NumFuncs() {
			return v.invalid("unknown function %d of %d", in.Index, m.NumFuncs())
		}
		if in.Op == OpRefFunc && !v.declared[in.Index] {
			return v.invalid("undeclared function reference %d, expected one that an export, a global or an element segment names", in.Index)
		}
	case ImmCallIndirect:
		return v.callIndirect()
	case ImmTag:
		if in.Index >= m.NumTags() {
			return v.invalid("unknown tag %d of %d", in.Index, m.NumTags())
		}
	case ImmLocal:
		if uint64(in.Index) >= uint64(len(v.locals)) {
			return v.invalid("unknown local %d of %d", in.Index, len(v.locals))
		}
	case ImmGlobal:
		if in.Index >= m.NumGlobals() {
			return v.invalid("unknown global %d of %d", in.Index, m.NumGlobals())
		}
		if in.Op == OpGlobalSet && !m.spaces.globals[in.Index].Mutable {
			return v.invalid("global %d is immutable", in.Index)
		}
	case ImmTable:
		return v.table(in.Index)
	case ImmTableCopy, ImmTableInit, ImmElem:
		return v.tableSegment(info.Imm)
	case ImmMemory, ImmMemoryCopy, ImmMemoryInit, ImmData:
		return v.memorySegment(info.Imm)
	case ImmMemArg, ImmMemArgLane:
		return v.access(info)
	case ImmLane, ImmShuffle:
		return v.lane(info)
	}
	return nil
}

func (v *validator) table(i uint32) error {
	if i >= v.m.NumTables() {
		return v.invalid("unknown table %d of %d", i, v.m.NumTables())
	}
	return nil
}

func (v *validator) callIndirect() error {
	if int64(v.in.Index) >= int64(len(v.m.Types)) {
		return v.invalid("unknown type %d of %d", v.in.Index, len(v.m.Types))
	}
	if err := v.table(v.in.Index2); err != nil {
		return err
	}
	if t := v.m.spaces.tables[v.in.Index2].Elem; t != FuncRef {
		return v.invalid("type mismatch: table %d holds %v, expected funcref", v.in.Index2, t)
	}
	return nil
}

// tableSegment checks the bulk instructions on tables.
func (v *validator) tableSegment(imm Imm) error {
	in, m := &v.in, v.m
	var dst, src ValType
	switch imm {
	case ImmTableCopy:
		if err := v.table(in.Index); err != nil {
			return err
		}
		if err := v.table(in.Index2); err != nil {
			return err
		}
		dst, src = m.spaces.tables[in.Index].Elem, m.spaces.tables[in.Index2].Elem
	case ImmTableInit:
		if err := v.table(in.Index2); err != nil {
			return err
		}
		if int64(in.Index) >= int64(len(m.Elems)) {
			return v.invalid("unknown elem segment %d of %d", in.Index, len(m.Elems))
		}
		dst, src = m.spaces.tables[in.Index2].Elem, m.Elems[in.Index].Type
	case ImmElem:
		if int64(in.Index) >= int64(len(m.Elems)) {
			return v.invalid("unknown elem segment %d of %d", in.Index, len(m.Elems))
		}
	}
	if dst != src {
		return v.invalid("type mismatch: found elements of type %v, expected %v", src, dst)
	}
	return nil
}

// memorySegment checks the instructions on the memory as a whole and on data segments.
func (v *validator) memorySegment(imm Imm) error {
	if imm == ImmMemoryInit || imm == ImmData {
		if v.m.DataCount == nil {
			return v.fail(ErrMalformed, "data count section required")
		}
		if n := *v.m.DataCount; v.in.Index >= n {
			return v.invalid("unknown data segment %d of %d", v.in.Index, n)
		}
	}
	if imm == ImmData {
		return nil
	}
	return v.memory()
}

func (v *validator) memory() error {
	if v.m.NumMems() == 0 {
		return v.invalid("unknown memory 0, the module has none")
	}
	return nil
}

func (v *validator) access(info *OpInfo) error {
	if err := v.memory(); err != nil {
		return err
	}
	if v.in.Align > uint32(info.Align) {
		return v.invalid("alignment must not be larger than natural: found 2^%d, expected at most 2^%d", v.in.Align, info.Align)
	}
	if info.Op.Atomic() && v.in.Align != uint32(info.Align) {
		return v.invalid("atomic alignment must be natural: found 2^%d, expected 2^%d", v.in.Align, info.Align)
	}
	if info.Imm == ImmMemArgLane {
		return v.lane(info)
	}
	return nil
}

// Lanes is the number of lanes that the lane immediate of an instruction chooses from.
func (i *OpInfo) Lanes() uint8 {
	if i.Imm == ImmMemArgLane {
		return 16 / i.Width
	}
	switch op := i.Op; {
	case op == OpI8x16Shuffle:
		return 32
	case op >= OpI8x16ExtractLaneS && op <= OpI8x16ReplaceLane:
		return 16
	case op >= OpI16x8ExtractLaneS && op <= OpI16x8ReplaceLane:
		return 8
	case op == OpI32x4ExtractLane, op == OpI32x4ReplaceLane, op == OpF32x4ExtractLane, op == OpF32x4ReplaceLane:
		return 4
	case op == OpI64x2ExtractLane, op == OpI64x2ReplaceLane, op == OpF64x2ExtractLane, op == OpF64x2ReplaceLane:
		return 2
	}
	return 0
}

func (v *validator) lane(info *OpInfo) error {
	n := info.Lanes()
	lanes := v.in.V128[:]
	if info.Imm != ImmShuffle {
		lanes = []byte{v.in.Lane}
	}
	for _, l := range lanes {
		if l >= n {
			return v.invalid("invalid lane index %d, expected below %d", l, n)
		}
	}
	return nil
}

// variable checks the types of instructions on locals, globals and tables.
func (v *validator) variable(op Opcode) error {
	switch op {
	case OpLocalGet:
		return v.push(v.locals[v.in.Index])
	case OpLocalSet:
		return v.pop(v.locals[v.in.Index])
	case OpLocalTee:
		t := v.locals[v.in.Index]
		return v.takeGive(t, t)
	case OpGlobalGet:
		return v.push(v.m.spaces.globals[v.in.Index].Type)
	case OpGlobalSet:
		return v.pop(v.m.spaces.globals[v.in.Index].Type)
	}
	t := v.m.spaces.tables[v.in.Index].Elem
	switch op {
	case OpTableGet:
		return v.takeGive(t, I32)
	case OpTableSet:
		return v.takeGive(unknown, I32, t)
	case OpTableGrow:
		return v.takeGive(I32, t, I32)
	case OpTableFill:
		return v.takeGive(unknown, I32, t, I32)
	}
	return v.fail(ErrMalformed, "instruction without a rule")
}
