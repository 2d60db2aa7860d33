package main

import "vkernel/internal/wasm"

func encodeTags(w *writer, m *wasm.Module) {}

func (l *linker) tags(k int) {}

func (l *linker) rewriteTag(w *writer, s *spaces, in *wasm.Instr) bool { return false }

func (s *state) tagFits(in *instance, im *wasm.Import, d definition) bool { return false }

func exceptionIs(o outcome) error { return nil }
