//go:build explorelong

package explore

// alsoLong is on for make explore-long.
const alsoLong = true
