package wasm

var bulkOps = []opRow{
	{OpI32TruncSatF32S, "i32.trunc_sat_f32_s", ImmNone, "f:i", 0},
	{OpI32TruncSatF32U, "i32.trunc_sat_f32_u", ImmNone, "f:i", 0},
	{OpI32TruncSatF64S, "i32.trunc_sat_f64_s", ImmNone, "d:i", 0},
	{OpI32TruncSatF64U, "i32.trunc_sat_f64_u", ImmNone, "d:i", 0},
	{OpI64TruncSatF32S, "i64.trunc_sat_f32_s", ImmNone, "f:l", 0},
	{OpI64TruncSatF32U, "i64.trunc_sat_f32_u", ImmNone, "f:l", 0},
	{OpI64TruncSatF64S, "i64.trunc_sat_f64_s", ImmNone, "d:l", 0},
	{OpI64TruncSatF64U, "i64.trunc_sat_f64_u", ImmNone, "d:l", 0},
	{OpMemoryInit, "memory.init", ImmMemoryInit, "iii:", 0},
	{OpDataDrop, "data.drop", ImmData, ":", 0},
	{OpMemoryCopy, "memory.copy", ImmMemoryCopy, "iii:", 0},
	{OpMemoryFill, "memory.fill", ImmMemory, "iii:", 0},
	{OpTableInit, "table.init", ImmTableInit, "iii:", 0},
	{OpElemDrop, "elem.drop", ImmElem, ":", 0},
	{OpTableCopy, "table.copy", ImmTableCopy, "iii:", 0},
	{OpTableGrow, "table.grow", ImmTable, "", 0},
	{OpTableSize, "table.size", ImmTable, ":i", 0},
	{OpTableFill, "table.fill", ImmTable, "", 0},
}
