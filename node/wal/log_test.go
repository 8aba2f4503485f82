package wal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// open opens a log and returns its entries.
func open(t *testing.T, dir string) (*Log, []string) {
	t.Helper()
	var entries []string
	l, err := Open(dir, "rm1", collect(&entries))
	require.NoError(t, err)
	return l, entries
}

func collect(entries *[]string) func([]byte) error {
	return func(entry []byte) error {
		*entries = append(*entries, string(entry))
		return nil
	}
}

// write makes a log with one frame for each list of entries, and returns the file's content.
func write(t *testing.T, dir string, frames ...[]string) []byte {
	t.Helper()
	l, _ := open(t, dir)
	n := uint64(0)
	for _, entries := range frames {
		for _, e := range entries {
			n++
			require.Equal(t, n, l.Append([]byte(e)))
		}
		end, err := l.Sync()
		require.NoError(t, err)
		require.Equal(t, n, end)
	}
	require.NoError(t, l.Close())
	data, err := os.ReadFile(filepath.Join(dir, logName))
	require.NoError(t, err)
	return data
}

func replace(t *testing.T, dir string, data []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(dir, logName), data, 0o666))
}

func TestEntriesComeBackInOrder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "dir")
	write(t, dir, []string{"a", ""}, nil, []string{"bc"})
	l, got := open(t, dir)
	require.Equal(t, []string{"a", "", "bc"}, got)
	require.Zero(t, l.Cut())
	require.Equal(t, uint64(1), l.Append([]byte("d")))
	_, err := l.Sync()
	require.NoError(t, err)
	l.Append([]byte("never synced"))
	require.NoError(t, l.Close())
	l, got = open(t, dir)
	require.Equal(t, []string{"a", "", "bc", "d"}, got)
	require.NoError(t, l.Close())
}

func TestOneSyncForManyEntries(t *testing.T) {
	disk := &faultyDisk{}
	l := &Log{file: disk, number: 1}
	for i := range 1000 {
		l.Append(fmt.Append(nil, i))
	}
	end, err := l.Sync()
	require.NoError(t, err)
	require.Equal(t, uint64(1000), end)
	require.Equal(t, 1, disk.writes)
	require.Equal(t, 1, disk.syncs)
}

// TestCutAtEveryByte has a log end after each number of bytes: what was whole is kept, the rest is
// cut off and said, and the log goes on.
func TestCutAtEveryByte(t *testing.T) {
	dir := t.TempDir()
	frames := [][]string{{"a", "bc"}, {"def"}, {"g", "h", "i"}}
	data := write(t, dir, frames...)
	var ends []int // of the header frame and each other
	for i := 0; i < len(data); {
		_, length, ok := header(data[i:])
		require.True(t, ok)
		i += headerSize + length
		ends = append(ends, i)
	}
	for size := range data {
		replace(t, dir, data[:size])
		if size < ends[0] {
			_, err := Open(dir, "rm1", collect(&[]string{}))
			require.ErrorIs(t, err, ErrCorrupt)
			continue
		}
		var want []string
		sound := ends[0]
		for i, f := range frames {
			if ends[i+1] <= size {
				want, sound = append(want, f...), ends[i+1]
			}
		}
		l, got := open(t, dir)
		require.Equal(t, want, got, "cut to %d bytes", size)
		require.Equal(t, int64(size-sound), l.Cut())
		l.Append([]byte("new"))
		_, err := l.Sync()
		require.NoError(t, err)
		require.NoError(t, l.Close())
		l, got = open(t, dir)
		require.Equal(t, append(want, "new"), got)
		require.Zero(t, l.Cut())
		require.NoError(t, l.Close())
	}
}

// TestFlipAtEveryBit: no frame was torn, so every flip is refused, in the last frame too.
func TestFlipAtEveryBit(t *testing.T) {
	dir := t.TempDir()
	data := write(t, dir, []string{"a", "bc"}, []string{"def"}, []string{"g", "h", "i"})
	for i := range data {
		for bit := range 8 {
			flipped := bytes.Clone(data)
			flipped[i] ^= 1 << bit
			replace(t, dir, flipped)
			_, err := Open(dir, "rm1", collect(&[]string{}))
			require.ErrorIs(t, err, ErrCorrupt, "byte %d bit %d", i, bit)
			require.NotContains(t, err.Error(), "\n")
			after, err := os.ReadFile(filepath.Join(dir, logName))
			require.NoError(t, err)
			require.Equal(t, flipped, after, "a log that is refused is left as it is")
		}
	}
}

// TestSectorsThatWereNeverWritten: a loss of power may write the length of a file before its
// content, and sectors in any order, but only of the frame that was not durable.
func TestSectorsThatWereNeverWritten(t *testing.T) {
	dir := t.TempDir()
	long := string(bytes.Repeat([]byte("entry "), 400))
	data := write(t, dir, []string{"a"}, []string{long}, []string{"z"})
	_, length, _ := header(data)
	first := headerSize + length
	_, length, _ = header(data[first:])
	second := first + headerSize + length
	_, length, _ = header(data[second:])
	last := second + headerSize + length
	for sector := range len(data)/sectorSize + 1 {
		lost := bytes.Clone(data[:last])
		from, to := sector*sectorSize, min((sector+1)*sectorSize, last)
		if to-max(from, second) < leastZeros {
			continue
		}
		clear(lost[max(from, second):to])
		replace(t, dir, lost)
		l, got := open(t, dir)
		require.Equal(t, []string{"a"}, got)
		require.Equal(t, int64(last-second), l.Cut())
		require.NoError(t, l.Close())

		lost = bytes.Clone(data)
		clear(lost[max(from, second):to])
		replace(t, dir, lost)
		_, err := Open(dir, "rm1", collect(&[]string{}))
		require.ErrorIs(t, err, ErrCorrupt, "a durable frame lies behind sector %d", sector)
	}
	replace(t, dir, append(bytes.Clone(data), make([]byte, 4096)...))
	l, got := open(t, dir)
	require.Equal(t, []string{"a", long, "z"}, got)
	require.Equal(t, int64(4096), l.Cut())
	require.NoError(t, l.Close())
}

func TestAnotherNodesLogIsRefused(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, []string{"a"})
	_, err := Open(dir, "acc1", collect(&[]string{}))
	require.ErrorIs(t, err, ErrForeign)
	require.ErrorContains(t, err, `is the log of "rm1", not of "acc1"`)
}

func TestSecondProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	l, _ := open(t, dir)
	_, err := Open(dir, "rm1", collect(&[]string{}))
	require.ErrorIs(t, err, ErrLocked)
	require.NoError(t, l.Close())
	l, _ = open(t, dir)
	require.NoError(t, l.Close())
}

func TestReaderOfEntriesStopsTheOpening(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, []string{"a"})
	mine := errors.New("not an entry of mine")
	_, err := Open(dir, "rm1", func([]byte) error { return mine })
	require.ErrorIs(t, err, mine)
	l, _ := open(t, dir) // and lets go of the lock
	require.NoError(t, l.Close())
}

// faultyDisk fails from its limit of bytes on, as a full disk does: it takes what fits.
type faultyDisk struct {
	bytes.Buffer
	limit, writes, syncs int
	syncErr              error
}

func (d *faultyDisk) Write(b []byte) (int, error) {
	d.writes++
	if d.limit > 0 && d.Len()+len(b) > d.limit {
		n, _ := d.Buffer.Write(b[:d.limit-d.Len()])
		return n, &os.PathError{Op: "write", Path: "log", Err: syscall.ENOSPC}
	}
	return d.Buffer.Write(b)
}

func (d *faultyDisk) Sync() error  { d.syncs++; return d.syncErr }
func (d *faultyDisk) Close() error { return nil }

func TestFullDiskStopsTheLogForGood(t *testing.T) {
	disk := &faultyDisk{limit: 100}
	l := &Log{file: disk, number: 1}
	l.Append(make([]byte, 50))
	end, err := l.Sync()
	require.NoError(t, err)
	require.Equal(t, uint64(1), end)
	l.Append(make([]byte, 50))
	_, err = l.Sync()
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.ErrorContains(t, err, "no space left on device")
	disk.limit = 0
	_, err = l.Sync()
	require.ErrorIs(t, err, syscall.ENOSPC, "what the disk holds is not known any more")
}

func TestFailedSyncIsNeverTriedAgain(t *testing.T) {
	disk := &faultyDisk{syncErr: syscall.EIO}
	l := &Log{file: disk, number: 1}
	l.Append([]byte("a"))
	_, err := l.Sync()
	require.ErrorIs(t, err, syscall.EIO)
	disk.syncErr = nil
	_, err = l.Sync()
	require.ErrorIs(t, err, syscall.EIO)
	require.Equal(t, 1, disk.syncs)
}

// TestTailSeesEachEntryOnce while the log grows a byte at a time.
func TestTailSeesEachEntryOnce(t *testing.T) {
	dir := t.TempDir()
	data := write(t, dir, []string{"a", "bc"}, []string{"def"})
	var tail Tail
	var got []string
	require.NoError(t, tail.Next(filepath.Join(dir, "none"), collect(&got)))
	for size := range len(data) + 1 {
		replace(t, dir, data[:size])
		require.NoError(t, tail.Next(dir, collect(&got)))
	}
	require.Equal(t, []string{"a", "bc", "def"}, got)
	data[len(data)-1] ^= 1
	replace(t, dir, data)
	require.ErrorIs(t, new(Tail).Next(dir, collect(&got)), ErrCorrupt)
}

// FuzzOpen opens any file: it is refused as damaged or foreign, or gives entries, and then the same
// ones again.
func FuzzOpen(f *testing.F) {
	frame := appendFrame(nil, 0, []byte("rm1"))
	f.Add(frame)
	two := appendFrame(frame, 1, appendEntry(appendEntry(nil, []byte("a")), nil))
	f.Add(two)
	f.Add(append(two, make([]byte, 100)...))
	f.Add(two[:len(two)-1])
	f.Add(appendFrame(frame, 1, []byte{9}))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		replace(t, dir, data)
		var first, second []string
		l, err := Open(dir, "rm1", collect(&first))
		if err != nil {
			require.True(t, errors.Is(err, ErrCorrupt) || errors.Is(err, ErrForeign), err)
			return
		}
		require.NoError(t, l.Close())
		l, err = Open(dir, "rm1", collect(&second))
		require.NoError(t, err)
		require.Zero(t, l.Cut())
		require.NoError(t, l.Close())
		require.Equal(t, first, second)
	})
}
