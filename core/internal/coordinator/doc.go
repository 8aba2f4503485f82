// Package coordinator is atomic commit with one transaction manager, as pure machines under the
// contract of package core: what packages twophase and threephase have in common, which say what
// it is and what it promises.
package coordinator
