// Package wire is what nodes and clients say to each other: one JSON object a line, in the envelope
// of Maelstrom and of the course.
//
//	{"src":"c1","dest":"n1","body":{"type":"...","msg_id":1,"in_reply_to":1,...}}
//
// A body is read by whoever knows its type; this package knows the envelope, errors, and the
// messages of package core, whose types are written core/phase1a and so on:
//
//	{"src":"n3","dest":"n6","body":{"type":"core/phase1a","from":"acc1","to":"ldr1","tx":"c1.1",
//	 "members":[1,2],"bal":1}}
//
// It decides nothing.
package wire
