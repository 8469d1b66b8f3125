package keys

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/firsttap/firsttap/internal/files"
	"github.com/firsttap/firsttap/internal/secret"
)

const (
	wrappingFile  = "wrapping.key"
	blocksFile    = "keys.json"
	wrappingBytes = 32 // AES-256
	// blocksFileBytesMax bounds keys.json: some thousands of keys.
	blocksFileBytesMax = 4 << 20
	keyFileBytesMax    = 128 // 64 hexadecimal digits, with room for blanks
)

// Errors of the folder.
var (
	ErrPermissions = files.ErrOthers
	ErrLostKey     = errors.New("the wrapping key is missing, and the key blocks are of no use without it: restore it from a backup")
	// ErrNoRing wraps fs.ErrNotExist.
	ErrNoRing = fmt.Errorf("there is no key ring; the gateway makes one when it starts, so does `firsttap keys generate`: %w", fs.ErrNotExist)
)

// folder is where a ring rests.
type folder struct {
	dir      string
	wrapping secret.Text
}

// record is one key in keys.json.
type record struct {
	Usage   Usage  `json:"usage"`
	Range   string `json:"range,omitempty"`
	Version int    `json:"version"`
	Block   string `json:"block"`
}

func (r record) compare(other record) int {
	return cmp.Or(cmp.Compare(r.Usage, other.Usage), cmp.Compare(r.Range, other.Range), cmp.Compare(r.Version, other.Version))
}

type blocks struct {
	Keys []record `json:"keys"`
}

func openFolder(dir string, random io.Reader, create bool) (folder, error) {
	f := folder{dir: dir}
	if create {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return folder{}, err
		}
		if err := f.locked(func() error { return f.prepare(random) }); err != nil {
			return folder{}, err
		}
	}
	err := f.readWrapping()
	return f, err
}

// prepare makes what the folder lacks: a wrapping key and an empty ring.
func (f folder) prepare(random io.Reader) error {
	if err := f.prepareWrapping(random); err != nil {
		return err
	}
	_, err := os.Lstat(filepath.Join(f.dir, blocksFile))
	if errors.Is(err, fs.ErrNotExist) {
		return f.write([]record{})
	}
	return err
}

func (f folder) prepareWrapping(random io.Reader) error {
	path := filepath.Join(f.dir, wrappingFile)
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, err := os.Lstat(filepath.Join(f.dir, blocksFile)); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(ErrLostKey, err)
	}
	key := make([]byte, wrappingBytes)
	if _, err := io.ReadFull(random, key); err != nil {
		return fmt.Errorf("drawing the wrapping key: %w", err)
	}
	return files.Add(path, []byte(upperHex(key)+"\n"), 0o600)
}

func (f *folder) readWrapping() (err error) {
	f.wrapping, err = readKeyFile(filepath.Join(f.dir, wrappingFile), wrappingBytes)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, err := os.Lstat(filepath.Join(f.dir, blocksFile)); errors.Is(err, fs.ErrNotExist) {
		return ErrNoRing
	}
	return ErrLostKey
}

// readKeyFile reads the hexadecimal digits of a key of one of these lengths in
// bytes from a file that only its owner may open.
func readKeyFile(path string, lengths ...int) (secret.Text, error) {
	text, err := files.ReadOwn(path, keyFileBytesMax)
	if err != nil {
		return secret.Text{}, err
	}
	key, err := hex.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil || !slices.Contains(lengths, len(key)) {
		return secret.Text{}, fmt.Errorf("%s does not hold %s hexadecimal digits", filepath.Base(path), either(lengths, 2))
	}
	return secret.New(string(key)), nil
}

// either is "16, 24 or 32", each times so many.
func either(numbers []int, times int) string {
	text := fmt.Sprint(times * numbers[0])
	for i, n := range numbers[1:] {
		between := ", "
		if i == len(numbers)-2 {
			between = " or "
		}
		text += between + fmt.Sprint(times*n)
	}
	return text
}

func (f folder) wrappingKey() []byte { return []byte(f.wrapping.Reveal()) }

// read gives the records of keys.json, and what the file was when it was read.
func (f folder) read() ([]record, os.FileInfo, error) {
	path := filepath.Join(f.dir, blocksFile)
	info, err := os.Stat(path) // before reading: a change in between is seen the next time
	if err != nil {
		return nil, nil, err
	}
	text, err := files.Read(path, blocksFileBytesMax)
	if err != nil {
		return nil, info, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var all blocks
	if err := decoder.Decode(&all); err != nil {
		return nil, info, fmt.Errorf("reading %s: %w", blocksFile, err)
	}
	return all.Keys, info, nil
}

func (f folder) write(records []record) error {
	text, err := json.MarshalIndent(blocks{Keys: records}, "", "  ")
	if err != nil {
		return err
	}
	return files.Replace(filepath.Join(f.dir, blocksFile), append(text, '\n'), 0o600)
}
