// An auditor's own program, on golang.org/x/mod/sumdb alone: it verifies the
// signature of a static log, that every entry is under it, and that it continues
// an older checkpoint.
//
// auditor LOCATION VKEY [OLD-CHECKPOINT]
package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	count, err := audit(os.Args[1], os.Args[2], os.Args[3:])
	if err != nil {
		fmt.Println("rejected:", err)
		os.Exit(1)
	}
	fmt.Println("verified", count, "entries")
}

type location string

func (at location) read(path string) ([]byte, error) {
	if !strings.HasPrefix(string(at), "http://") {
		return os.ReadFile(filepath.Join(string(at), path))
	}
	answer, err := http.Get(string(at) + "/" + path)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", path, answer.Status)
	}
	return io.ReadAll(answer.Body)
}

// sumdb writes the height into a tile's path and calls entries data.
func (at location) path(tile tlog.Tile) string {
	path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
	return strings.Replace(path, "tile/data/", "tile/entries/", 1)
}

func (at location) Height() int { return 8 }

func (at location) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		bytes, err := at.read(at.path(tile))
		if err != nil {
			return nil, err
		}
		if len(bytes) != tile.W*tlog.HashSize {
			return nil, fmt.Errorf("%s has %d bytes", at.path(tile), len(bytes))
		}
		all = append(all, bytes)
	}
	return all, nil
}

func (at location) SaveTiles([]tlog.Tile, [][]byte) {}

func checkpoint(text []byte, vkey string) (tree tlog.Tree, err error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return tree, err
	}
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return tree, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		return tree, fmt.Errorf("not a checkpoint of %s", verifier.Name())
	}
	if tree.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return tree, err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return tree, fmt.Errorf("the root is not a hash")
	}
	copy(tree.Hash[:], root)
	return tree, nil
}

func audit(where, vkey string, old []string) (int64, error) {
	at := location(where)
	text, err := at.read("checkpoint")
	if err != nil {
		return 0, err
	}
	tree, err := checkpoint(text, vkey)
	if err != nil {
		return 0, err
	}
	reader := tlog.TileHashReader(tree, at)
	root, err := tlog.TreeHash(tree.N, reader)
	if err != nil {
		return 0, err
	}
	if root != tree.Hash {
		return 0, fmt.Errorf("the tiles have another root")
	}
	for first := int64(0); first < tree.N; first += 256 {
		width := int(min(256, tree.N-first))
		tile := tlog.Tile{H: 8, L: -1, N: first / 256, W: width}
		bundle, err := at.read(at.path(tile))
		if err != nil {
			return 0, err
		}
		for index := first; index < first+int64(width); index++ {
			if len(bundle) < 2 || len(bundle) < 2+int(binary.BigEndian.Uint16(bundle)) {
				return 0, fmt.Errorf("the bundle of entry %d is cut", index)
			}
			end := 2 + int(binary.BigEndian.Uint16(bundle))
			hash := tlog.RecordHash(bundle[2:end])
			bundle = bundle[end:]
			stored, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
			if err != nil {
				return 0, err
			}
			if stored[0] != hash {
				return 0, fmt.Errorf("entry %d is not that of its tile", index)
			}
			proof, err := tlog.ProveRecord(tree.N, index, reader)
			if err != nil {
				return 0, err
			}
			if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, hash); err != nil {
				return 0, fmt.Errorf("entry %d: %w", index, err)
			}
		}
		if len(bundle) > 0 {
			return 0, fmt.Errorf("something follows entry %d", first+int64(width)-1)
		}
	}
	for _, file := range old {
		text, err := os.ReadFile(file)
		if err != nil {
			return 0, err
		}
		before, err := checkpoint(text, vkey)
		if err != nil {
			return 0, err
		}
		proof, err := tlog.ProveTree(tree.N, before.N, reader)
		if err != nil {
			return 0, err
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, before.N, before.Hash); err != nil {
			return 0, fmt.Errorf("not consistent: %w", err)
		}
	}
	return tree.N, nil
}

func min(a, b int64) int64 {
	if a < b {
		return a
	}
	return b
}
