package client

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/csar"
)

const (
	noteSuffix = ".json"
	lockSuffix = ".lock"
	// outdated is the age of notes that lead nowhere: servers keep jobs for a week,
	// and uploads that stand still for less.
	outdated = 7 * 24 * time.Hour
)

// note is where an upload is noted for another process to go on with it. While this
// process has it, it is locked: another one that onboards the same file meanwhile
// has an upload of its own. A nil note notes nothing.
type note struct {
	client *Client
	path   string // of the note
	lock   *os.File
	entry  entry
}

// entry is what a note says. It has no secrets.
type entry struct {
	Server  string    `json:"server"`
	Project string    `json:"project,omitempty"`
	File    string    `json:"file"`
	Upload  string    `json:"upload"` // ID
	Begun   time.Time `json:"begun"`
}

func (e entry) outdated(now time.Time) bool { return now.Sub(e.Begun) > outdated }

// noteOf returns the note of a file, or nil if there is nowhere to note it, it is no
// file, or another process has it. That an upload cannot be noted does not hold it
// up.
func (c *Client) noteOf(source csar.Source, opts onboarding.Options) *note {
	file, ok := source.At.(*os.File)
	if c.options.StateDir == "" || !ok {
		return nil
	}
	n, err := c.openNote(file, opts)
	if err != nil {
		c.options.Log.Warn("upload cannot be noted, and could not go on in another process", "err", err)
	}
	return n
}

func (c *Client) openNote(file *os.File, opts onboarding.Options) (*note, error) {
	path, err := filepath.Abs(file.Name())
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	inode := uint64(0)
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		inode = stat.Ino
	}
	key, err := json.Marshal([]any{c.server, c.options.Project, path, info.Size(), info.ModTime().UnixNano(), inode, opts.OnConflict, opts.Images})
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(c.options.StateDir, 0o700); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(key)
	n := &note{client: c, path: filepath.Join(c.options.StateDir, hex.EncodeToString(sum[:16])+noteSuffix),
		entry: entry{Server: c.server, Project: c.options.Project, File: path}}
	if n.lock, err = lockFile(n.path); err != nil || n.lock == nil {
		return nil, err
	}
	c.sweepNotes()
	if before, err := readNote(n.path); err == nil && !before.outdated(time.Now()) {
		n.entry = before
	}
	return n, nil
}

// lockFile returns the lock of a note, or nil if another process has it.
func lockFile(note string) (*os.File, error) {
	for {
		lock, err := os.OpenFile(strings.TrimSuffix(note, noteSuffix)+lockSuffix, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, err
		}
		if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
			lock.Close()
			if errors.Is(err, unix.EWOULDBLOCK) {
				return nil, nil
			}
			return nil, err
		}
		opened, err := lock.Stat()
		if err != nil {
			return nil, errors.Join(err, lock.Close())
		}
		if named, err := os.Stat(lock.Name()); err == nil && os.SameFile(opened, named) {
			return lock, nil
		}
		lock.Close() // who had it has removed it
	}
}

func readNote(path string) (entry, error) {
	var e entry
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &e)
	}
	return e, err
}

// upload returns the upload that was noted before, or an empty ID.
func (n *note) upload() string {
	if n == nil {
		return ""
	}
	return n.entry.Upload
}

// write notes an upload that has begun.
func (n *note) write(upload string) {
	if n == nil {
		return
	}
	n.entry.Upload, n.entry.Begun = upload, time.Now().UTC()
	if err := n.save(); err != nil {
		n.client.options.Log.Warn("upload cannot be noted, and could not go on in another process", "err", err)
	}
}

// save writes the note whole or not at all.
func (n *note) save() error {
	text, err := json.Marshal(n.entry)
	if err != nil {
		return err
	}
	fresh, err := os.OpenFile(n.path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(fresh, "%s\n", text)
	if err == nil {
		err = fresh.Sync()
	}
	if err := errors.Join(err, fresh.Close()); err != nil {
		return err
	}
	return os.Rename(fresh.Name(), n.path)
}

// remove removes the note of an upload that there is nothing to do for any more. The
// next one may be noted in its place.
func (n *note) remove() {
	if n == nil {
		return
	}
	_ = os.Remove(n.path) // what is left is found to be outdated
	n.entry.Upload = ""
}

// release lets other processes have the note.
func (n *note) release() {
	if n == nil {
		return
	}
	_ = os.Remove(n.lock.Name())
	_ = n.lock.Close()
}

// sweepNotes removes notes that lead nowhere, and locks that killed processes have
// left.
func (c *Client) sweepNotes() {
	names, _ := filepath.Glob(filepath.Join(c.options.StateDir, "*"))
	seen := make(map[string]bool)
	for _, name := range names {
		key, _, _ := strings.Cut(filepath.Base(name), ".")
		if _, err := hex.DecodeString(key); err != nil || len(key) != 32 || seen[key] {
			continue // is none of ours
		}
		seen[key] = true
		path := filepath.Join(c.options.StateDir, key+noteSuffix)
		lock, err := lockFile(path)
		if err != nil || lock == nil {
			continue // somebody has it
		}
		if e, err := readNote(path); err != nil || e.outdated(time.Now()) {
			_ = os.Remove(path)
			_ = os.Remove(path + ".new")
		}
		_ = os.Remove(lock.Name())
		_ = lock.Close()
	}
}
