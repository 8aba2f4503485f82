package wal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"
)

const (
	magic      = "PXL1"
	headerSize = 24
	sectorSize = 512
	// leastZeros is how many zeros in a row show that a sector was never written: more than an entry
	// of a few varints can hold.
	leastZeros = 16
)

// MaxFrame limits the payload of one frame, in bytes.
const MaxFrame = 1 << 28

var (
	errShort = errors.New("wal: the frame goes on behind the end")
	errBad   = errors.New("wal: not a frame")
)

// appendFrame appends a frame with this payload.
func appendFrame(dst []byte, number uint64, payload []byte) []byte {
	table := crc32.MakeTable(crc32.Castagnoli)
	start := len(dst)
	dst = append(dst, magic...)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(payload)))
	dst = binary.LittleEndian.AppendUint64(dst, number)
	dst = binary.LittleEndian.AppendUint32(dst, crc32.Checksum(payload, table))
	dst = binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], table))
	return append(dst, payload...)
}

// header checks the header that b starts with, and returns the number of the frame and the length
// of its payload.
func header(b []byte) (number uint64, length int, ok bool) {
	table := crc32.MakeTable(crc32.Castagnoli)
	if len(b) < headerSize || string(b[:4]) != magic ||
		crc32.Checksum(b[:20], table) != binary.LittleEndian.Uint32(b[20:]) {
		return 0, 0, false
	}
	size := binary.LittleEndian.Uint32(b[4:])
	return binary.LittleEndian.Uint64(b[8:]), int(size), size <= MaxFrame
}

// parseFrame returns the payload of the frame of this number, which b starts with. The errors are
// errShort and errBad.
func parseFrame(b []byte, number uint64) ([]byte, error) {
	if len(b) < headerSize {
		return nil, errShort
	}
	n, length, ok := header(b)
	switch {
	case !ok || n != number:
		return nil, errBad
	case len(b) < headerSize+length:
		return nil, errShort
	}
	payload := b[headerSize : headerSize+length]
	table := crc32.MakeTable(crc32.Castagnoli)
	if crc32.Checksum(payload, table) != binary.LittleEndian.Uint32(b[16:]) {
		return nil, errBad
	}
	return payload, nil
}

// torn tells whether what is not a frame, at this offset of the file and up to its end, can be what
// a crash left of the last frame.
func torn(rest []byte, offset int64) bool {
	return hasZeroSector(rest, offset) && !hasFrame(rest[1:])
}

// hasZeroSector tells whether what b has of some sector is zeros.
func hasZeroSector(b []byte, offset int64) bool {
	for len(b) > 0 {
		n := min(len(b), sectorSize-int(offset%sectorSize))
		if n >= leastZeros && !slices.ContainsFunc(b[:n], func(c byte) bool { return c != 0 }) {
			return true
		}
		b, offset = b[n:], offset+int64(n)
	}
	return false
}

// hasFrame tells whether the header of a frame is somewhere in b.
func hasFrame(b []byte) bool {
	for {
		i := bytes.Index(b, []byte(magic))
		if i < 0 {
			return false
		}
		if _, _, ok := header(b[i:]); ok {
			return true
		}
		b = b[i+1:]
	}
}

// appendEntry appends an entry to a payload.
func appendEntry(dst, entry []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(entry))), entry...)
}

// eachEntry calls f for every entry of a payload.
func eachEntry(payload []byte, f func(entry []byte) error) error {
	for len(payload) > 0 {
		size, n := binary.Uvarint(payload)
		if n <= 0 || size > uint64(len(payload)-n) {
			return errBad
		}
		if err := f(payload[n : n+int(size)]); err != nil {
			return err
		}
		payload = payload[n+int(size):]
	}
	return nil
}
