package wal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Tail reads a log that another process writes, as far as it has come. The zero Tail starts at the
// beginning.
type Tail struct {
	offset int64
	number uint64
}

// Next calls each for every entry that has come into the log of a directory since the last call.
// What is not there whole is left for the next call, for good if it was torn in a crash and cut off
// since. The errors are ErrCorrupt, each's own, and the system's but for a log that does not exist.
func (t *Tail) Next(dir string, each func(entry []byte) error) error {
	f, err := os.Open(filepath.Join(dir, logName))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("wal: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.NewSectionReader(f, t.offset, 1<<62))
	if err != nil {
		return fmt.Errorf("wal: %w", err)
	}
	for len(data) > 0 {
		payload, err := parseFrame(data, t.number)
		switch {
		case errors.Is(err, errShort):
			return nil
		case err == nil && t.number > 0:
			err = eachEntry(payload, each)
		}
		if errors.Is(err, errBad) {
			return fmt.Errorf("%w: %s at byte %d, frame %d", ErrCorrupt, f.Name(), t.offset, t.number)
		}
		if err != nil {
			return err
		}
		size := headerSize + len(payload)
		data, t.offset, t.number = data[size:], t.offset+int64(size), t.number+1
	}
	return nil
}
