// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package sandbox

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// dataDir is a directory that keeps the state of a sandbox across restarts:
//
//	sandbox.db            one bucket of JSON values, including the certificate (0600); its lock excludes a second sandbox
//	stores/<id>/          the files of the server of that store
//	stores/<id>/server.pid
type dataDir struct {
	path string
	db   *bbolt.DB
}

var dataBucket = []byte("sandbox")

// openDataDir creates the directory if needed, locks it, and ends servers that a killed sandbox has left running in it.
func openDataDir(path string, log *slog.Logger) (*dataDir, error) {
	path, err := filepath.Abs(path) // servers run in another working directory
	if err == nil {
		err = os.MkdirAll(filepath.Join(path, "stores"), 0o700)
	}
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	db, err := bbolt.Open(filepath.Join(path, "sandbox.db"), 0o600, &bbolt.Options{Timeout: time.Second})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, fmt.Errorf("data directory %s: already in use by another sandbox", path)
	}
	if err != nil {
		return nil, fmt.Errorf("data directory %s: opening sandbox.db: %w", path, err)
	}
	d := &dataDir{path: path, db: db}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(dataBucket)
		return err
	})
	if err == nil {
		err = d.endLeftovers(log)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("data directory %s: %w", path, err), db.Close())
	}
	return d, nil
}

// StoreDir returns the directory for the server of one store. The id must be usable as a file name, such as a UUID.
func (d *dataDir) StoreDir(id string) string { return filepath.Join(d.path, "stores", id) }

// Load decodes the value that is saved under key, and returns false if there is none.
func (d *dataDir) Load(key string, into any) (bool, error) {
	var raw []byte
	err := d.db.View(func(tx *bbolt.Tx) error {
		raw = append(raw, tx.Bucket(dataBucket).Get([]byte(key))...) // a copy, because bolt's memory is valid only within the transaction
		return nil
	})
	if err != nil || raw == nil {
		return false, err
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return false, fmt.Errorf("data directory %s: reading %s: %w", d.path, key, err)
	}
	return true, nil
}

// Save saves the value under key, and returns when it is on disk.
func (d *dataDir) Save(key string, value any) error {
	raw, err := json.Marshal(value)
	if err == nil {
		err = d.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(dataBucket).Put([]byte(key), raw) })
	}
	if err != nil {
		return fmt.Errorf("data directory %s: writing %s: %w", d.path, key, err)
	}
	return nil
}

const certificateKey = "certificate"

// Certificate returns the certificate of all servers. It stays the same across restarts, because clients that remember it would treat
// another one as an attack. It is saved in sandbox.db, which only the owner can read, and replaced if it has expired or cannot be
// decoded.
func (d *dataDir) Certificate() (certificate, error) {
	var saved struct{ Certificate, Key []byte }
	found, err := d.Load(certificateKey, &saved)
	if found && err == nil {
		if c, err := parseCertificate(saved.Certificate, saved.Key); err == nil && time.Now().Before(c.pair.Leaf.NotAfter) {
			return c, nil
		}
	}
	c, err := newCertificate()
	if err == nil {
		saved.Certificate = c.pair.Leaf.Raw
		saved.Key, err = x509.MarshalPKCS8PrivateKey(c.pair.PrivateKey)
	}
	if err == nil {
		err = d.Save(certificateKey, saved)
	}
	return c, err
}

// Close releases the lock, so that another sandbox can use the directory. The servers must have been stopped before.
func (d *dataDir) Close() error { return d.db.Close() }

func (d *dataDir) endLeftovers(log *slog.Logger) error {
	files, err := filepath.Glob(filepath.Join(d.path, "stores", "*", pidFileName))
	if err != nil {
		return err
	}
	for _, file := range files {
		dir := filepath.Dir(file)
		ended, err := endLeftover(dir)
		if err != nil {
			return err
		}
		if ended {
			log.Warn("ended a server that an earlier sandbox left behind", "dir", dir)
		}
	}
	return nil
}
