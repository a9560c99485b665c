//go:build !race

package e2e_test

// raceFlags builds fairlead as the tests were built.
var raceFlags []string
