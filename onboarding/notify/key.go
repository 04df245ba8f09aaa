package notify

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const keySize = 32 // bytes: AES-256

// Key seals secrets that are stored in the database, so that the database and its
// copies do not tell them. It does not change and is safe for concurrent use.
type Key struct{ aead cipher.AEAD }

// OpenKey reads a key from a file of mode 0600, which is made with a new key if it
// is not there. What was sealed with a key that is lost is lost, too. Processes
// may open one file at the same time.
func OpenKey(path string) (*Key, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeKey(path); err != nil {
			return nil, fmt.Errorf("key file: %w", err)
		}
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("key file %s: others can read it (mode %04o); chmod 600 it, and renew what it sealed", path, info.Mode().Perm())
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != keySize {
		return nil, fmt.Errorf("key file %s: expected %d hex digits", path, 2*keySize)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	return &Key{aead}, nil
}

// makeKey makes a key file that is whole before it has its name. One that another
// process has made meanwhile stays.
func makeKey(path string) error {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".") // of mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // never fails
	_, err = file.WriteString(hex.EncodeToString(key) + "\n")
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Link(file.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// Seal encrypts a secret of something that has a name, to which it is bound.
func (k *Key) Seal(secret []byte, name string) []byte {
	return k.aead.Seal(nil, nil, secret, []byte(name))
}

// Open decrypts what Seal made for the same name.
func (k *Key) Open(sealed []byte, name string) ([]byte, error) {
	secret, err := k.aead.Open(nil, nil, sealed, []byte(name))
	if err != nil {
		return nil, errors.New("sealed secret: it was sealed with another key, or is damaged")
	}
	return secret, nil
}
