// Package wal is the durable log of one process: entries are appended, a sync makes all that were
// appended durable at once (group commit), and opening the log gives them back in order. What an
// entry says is not its business.
//
// # The file
//
// A directory holds the file log, and the file lock, which keeps a second process out. A log is a
// sequence of frames; each sync writes one, and writes none before the one before it is durable.
//
//	bytes  what
//	4      "PXL1": the format and its version
//	4      length of the payload
//	8      number of the frame, from 0
//	4      CRC-32C of the payload
//	4      CRC-32C of the 20 bytes before
//	...    payload: entries, each with its length as a uvarint in front
//
// Numbers are little-endian. The payload of frame 0 is the identity of the process, so that nobody
// reads the log of another; it is written to a file of another name, synced and renamed, so that a
// log without it has never existed.
//
// # What a crash leaves, and what it cannot leave
//
// At most the last frame can be torn: the file ends within it, or, after a loss of power, a sector
// of it was never written and reads as zeros. Nobody was told that it is durable, so it is cut off.
// Everything else that is wrong was durable once, and is refused: ErrCorrupt says where. A log that
// ends early exactly between two frames cannot be told from one that never went on.
package wal
