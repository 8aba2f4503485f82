package bank

import "encoding/binary"

// AppendKey appends a canonical encoding of the state: banks of the same accounts and transactions
// that will answer alike for ever give equal bytes.
func (b *Bank) AppendKey(dst []byte) []byte {
	for s := b.mine; s != 0; s &= s - 1 {
		account := s.First() - 1
		dst = binary.AppendVarint(dst, b.balance[account])
		dst = b.lock[account].AppendKey(dst)
	}
	dst = binary.AppendUvarint(dst, uint64(b.txs.Len()))
	var buf [8]int32
	for _, i := range b.txs.Sorted(buf[:0]) {
		tx, st := b.txs.At(int(i))
		dst = append(tx.AppendKey(dst), byte(st.state))
	}
	return b.finished.AppendKey(dst)
}
