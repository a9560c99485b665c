//go:build linux

package load

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
)

// Record types and sizes of TLS 1.3 (RFC 8446 section 5).
const (
	recordHeader    = 5
	recordMax       = 16 << 10
	typeHandshake   = 22
	typeApplication = 23
)

// records is the record layer of TLS 1.3 with AES-128-GCM behind a handshake that crypto/tls made.
// Unlike crypto/tls it works on buffers, so that a secure socket can live in a Loop as a plain one
// does and costs the load little.
type records struct {
	sealer, opener direction
	in             []byte // the beginning of a record whose end has not come
	out            []byte // what the last seal returned
}

// direction is the keys and the count of records of one way.
type direction struct {
	aead     cipher.AEAD
	iv       [12]byte
	sequence uint64
}

// newRecords derives the keys from the two traffic secrets (RFC 8446 section 7.3).
func newRecords(client, server []byte) (*records, error) {
	sealer, err := newDirection(client)
	if err != nil {
		return nil, err
	}
	opener, err := newDirection(server)
	if err != nil {
		return nil, err
	}
	return &records{sealer: sealer, opener: opener}, nil
}

func newDirection(secret []byte) (direction, error) {
	key, err := expand(secret, "key", 16)
	if err != nil {
		return direction{}, err
	}
	iv, err := expand(secret, "iv", 12)
	if err != nil {
		return direction{}, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return direction{}, err
	}
	aead, err := cipher.NewGCM(block)
	return direction{aead: aead, iv: [12]byte(iv)}, err
}

// expand is HKDF-Expand-Label with an empty context.
func expand(secret []byte, label string, size int) ([]byte, error) {
	label = "tls13 " + label
	info := binary.BigEndian.AppendUint16(nil, uint16(size))
	info = append(append(info, byte(len(label))), label...)
	return hkdf.Expand(sha256.New, secret, string(append(info, 0)), size)
}

// nonce is that of the next record.
func (d *direction) nonce() []byte {
	nonce := d.iv
	binary.BigEndian.PutUint64(nonce[4:], binary.BigEndian.Uint64(nonce[4:])^d.sequence)
	d.sequence++
	return nonce[:]
}

// seal returns b in records; they are good until the next call.
func (r *records) seal(b []byte) []byte {
	r.out = r.out[:0]
	for len(b) > 0 {
		n := min(len(b), recordMax)
		begin := len(r.out)
		r.out = append(r.out, typeApplication, 3, 3)
		r.out = binary.BigEndian.AppendUint16(r.out, uint16(n+1+r.sealer.aead.Overhead()))
		r.out = append(append(r.out, b[:n]...), typeApplication)
		body := r.out[begin+recordHeader:]
		r.out = r.sealer.aead.Seal(r.out[:begin+recordHeader], r.sealer.nonce(), body, r.out[begin:begin+recordHeader])
		b = b[n:]
	}
	return r.out
}

// open decrypts what came, in place, and gives to the content of each record of application data.
func (r *records) open(b []byte, to func([]byte)) error {
	if len(r.in) > 0 {
		r.in = append(r.in, b...)
		b = r.in
	}
	for len(b) >= recordHeader {
		size := int(binary.BigEndian.Uint16(b[3:]))
		if len(b)-recordHeader < size {
			break
		}
		if err := r.openOne(b[:recordHeader], b[recordHeader:recordHeader+size], to); err != nil {
			return err
		}
		b = b[recordHeader+size:]
	}
	if len(b) == 0 {
		r.in = nil
		return nil
	}
	r.in = append(r.in[:0], b...)
	return nil
}

func (r *records) openOne(header, body []byte, to func([]byte)) error {
	if header[0] != typeApplication {
		return fmt.Errorf("a TLS record of type %d", header[0])
	}
	content, err := r.opener.aead.Open(body[:0], r.opener.nonce(), body, header)
	if err != nil {
		return err
	}
	end := len(content)
	for end > 0 && content[end-1] == 0 { // padding
		end--
	}
	if end == 0 {
		return errors.New("a TLS record without a type")
	}
	switch kind := content[end-1]; kind {
	case typeApplication:
		to(content[:end-1])
	case typeHandshake: // a session ticket, which nobody needs
	default:
		return fmt.Errorf("TLS: %v", content[:end-1]) // an alert: level and description
	}
	return nil
}
