package wal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// Errors of Open. What the system says, such as that a disk is full, comes as it is.
var (
	ErrCorrupt = errors.New("wal: the log is damaged")
	ErrForeign = errors.New("wal: the directory belongs to another node")
	ErrLocked  = errors.New("wal: the directory is in use by another process")
)

const (
	logName  = "log"
	lockName = "lock"
)

// file is what a Log needs of an os.File.
type file interface {
	io.Writer
	Sync() error
	Close() error
}

// Log is an open log. Append and Sync may be called at the same time; Sync by one goroutine only.
type Log struct {
	file   file
	lock   *os.File
	path   string
	cut    int64
	number uint64 // of the next frame

	mu       sync.Mutex
	pending  []byte // entries appended and not yet taken by Sync
	spare    []byte
	appended uint64
	failed   error
}

// Open opens the log in a directory, both of which it creates if need be, and calls each for every
// entry in it; an entry is good until each returns. A torn tail is cut off: see Cut. The errors are
// ErrCorrupt, ErrForeign, ErrLocked, each's own, and the system's.
func Open(dir, identity string, each func(entry []byte) error) (*Log, error) {
	if err := makeDir(dir); err != nil {
		return nil, fmt.Errorf("wal: %w", err)
	}
	l := &Log{path: filepath.Join(dir, logName)}
	var err error
	if l.lock, err = lockDir(dir); err != nil {
		return nil, err
	}
	if err := l.open(dir, identity, each); err != nil {
		return nil, errors.Join(err, l.lock.Close())
	}
	return l, nil
}

func (l *Log) open(dir, identity string, each func(entry []byte) error) error {
	data, err := os.ReadFile(l.path)
	if errors.Is(err, os.ErrNotExist) {
		data = appendFrame(nil, 0, []byte(identity))
		err = create(dir, data)
	}
	if err != nil {
		return fmt.Errorf("wal: %w", err)
	}
	size, err := l.read(data, identity, each)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(l.path, os.O_WRONLY|os.O_APPEND, 0o666)
	if err != nil {
		return fmt.Errorf("wal: %w", err)
	}
	l.file = f
	if l.cut = int64(len(data)) - size; l.cut > 0 {
		if err := errors.Join(f.Truncate(size), f.Sync()); err != nil {
			return errors.Join(fmt.Errorf("wal: cut off a torn tail: %w", err), f.Close())
		}
	}
	return nil
}

// read goes through a log and returns the length of its sound part.
func (l *Log) read(data []byte, identity string, each func(entry []byte) error) (int64, error) {
	size := int64(0)
	for ; size < int64(len(data)); l.number++ {
		payload, err := parseFrame(data[size:], l.number)
		if err != nil && l.number > 0 && (errors.Is(err, errShort) || torn(data[size:], size)) {
			return size, nil
		}
		if err == nil && l.number == 0 && string(payload) != identity {
			return 0, fmt.Errorf("%w: %s is the log of %q, not of %q", ErrForeign, l.path, payload,
				identity)
		}
		if err == nil && l.number > 0 {
			err = eachEntry(payload, each)
		}
		if errors.Is(err, errShort) || errors.Is(err, errBad) {
			return 0, l.corrupt(size)
		}
		if err != nil {
			return 0, fmt.Errorf("wal: %s, frame %d: %w", l.path, l.number, err)
		}
		size += int64(headerSize + len(payload))
	}
	if l.number == 0 {
		return 0, l.corrupt(0)
	}
	return size, nil
}

func (l *Log) corrupt(offset int64) error {
	return fmt.Errorf("%w: %s at byte %d, frame %d", ErrCorrupt, l.path, offset, l.number)
}

// Cut returns how many bytes of a torn tail Open has cut off.
func (l *Log) Cut() int64 { return l.cut }

// Append adds a copy of an entry and returns how many have been appended since Open, this one
// included. It is durable once Sync has returned that number or more.
func (l *Log) Append(entry []byte) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending = appendEntry(l.pending, entry)
	l.appended++
	return l.appended
}

// Sync makes everything appended before it durable, with one write and one fsync, and returns how
// many entries since Open are. After an error nobody knows what the disk holds: the same error
// comes for ever.
func (l *Log) Sync() (uint64, error) {
	l.mu.Lock()
	payload, end := l.pending, l.appended
	l.pending, l.spare = l.spare[:0], nil
	l.mu.Unlock()
	if l.failed != nil {
		return 0, l.failed
	}
	if len(payload) > 0 {
		l.failed = l.write(payload)
	}
	l.mu.Lock()
	l.spare = payload
	l.mu.Unlock()
	return end, l.failed
}

func (l *Log) write(payload []byte) error {
	if len(payload) > MaxFrame {
		return fmt.Errorf("wal: %d bytes to sync: want at most %d", len(payload), MaxFrame)
	}
	if _, err := l.file.Write(appendFrame(nil, l.number, payload)); err != nil {
		return fmt.Errorf("wal: %w", err)
	}
	l.number++
	if err := l.file.Sync(); err != nil {
		return fmt.Errorf("wal: %w", err)
	}
	return nil
}

// Close lets go of the directory. What was not synced is lost.
func (l *Log) Close() error { return errors.Join(l.file.Close(), l.lock.Close()) }

// makeDir makes a directory that survives a crash, and those above it that do not exist.
func makeDir(dir string) error {
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	above := filepath.Dir(dir)
	if err := makeDir(above); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o777); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return syncDir(above)
}

// create writes a new log: whole, or not at all.
func create(dir string, data []byte) error {
	temporary := filepath.Join(dir, logName+".new")
	f, err := os.Create(temporary)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(temporary, filepath.Join(dir, logName)); err != nil {
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// lockDir takes the lock of a directory, which goes with the process.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, fmt.Errorf("wal: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = fmt.Errorf("%w: %s", ErrLocked, dir)
		}
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
