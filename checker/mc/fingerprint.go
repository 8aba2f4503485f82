package mc

import (
	"encoding/binary"
	"math/bits"
)

// exactBytes is the longest key that is stored without loss.
const exactBytes = 15

// A fingerprint stands for a key. The zero fingerprint stands for none.
type fingerprint struct{ hi, lo uint64 }

// Odd constants from the fractional parts of the square roots of 2, 3, 5 and 7.
const (
	k1 = 0x6a09e667f3bcc909
	k2 = 0xbb67ae8584caa73b
	k3 = 0x3c6ef372fe94f82b
	k4 = 0xa54ff53a5f1d36f1
)

// newFingerprint maps keys of up to exactBytes one to one, and longer ones as a hash does.
func newFingerprint(key []byte) (f fingerprint, exact bool) {
	n := len(key)
	if n > exactBytes {
		return hash(key), false
	}
	if cap(key) < 16 {
		key = append(make([]byte, 0, 16), key...)
	}
	words := key[:16] // and beyond the key whatever was there before
	f.lo, f.hi = binary.LittleEndian.Uint64(words), binary.LittleEndian.Uint64(words[8:])
	if n < 8 {
		f.lo &= 1<<(8*n) - 1
		f.hi = 0
	} else {
		f.hi &= 1<<(8*(n-8)) - 1
	}
	f.hi |= uint64(n+1) << 56 // so that keys of different lengths differ, and none is zero
	return f.permute(), true
}

// permute is a Feistel network of three rounds: one to one, and zero stays zero.
func (f fingerprint) permute() fingerprint {
	f.hi ^= fold(f.lo, k1)
	f.lo ^= fold(f.hi, k2)
	f.hi ^= fold(f.lo, k3)
	return f
}

func fold(x, k uint64) uint64 {
	hi, lo := bits.Mul64(x, k)
	return hi ^ lo
}

// hash runs two lanes with different multipliers over the words of the key. A step of a lane is one
// to one in the lane and in the word, so that keys that differ in a single word never collide.
func hash(key []byte) fingerprint {
	a, b := uint64(len(key))^k2, uint64(len(key))^k4
	for ; len(key) >= 8; key = key[8:] {
		x := binary.LittleEndian.Uint64(key)
		a, b = lane(a, x, k1), lane(b, x, k3)
	}
	var tail [8]byte
	copy(tail[:], key)
	x := binary.LittleEndian.Uint64(tail[:])
	f := fingerprint{lane(a, x, k1), lane(b, x, k3)}.permute()
	if f == (fingerprint{}) {
		f.lo = 1
	}
	return f
}

func lane(a, x, k uint64) uint64 {
	a = (a ^ x) * k
	return a ^ a>>32
}
