//go:build race

package kernel

// raceEnabled is true where each step takes several times as long.
const raceEnabled = true
