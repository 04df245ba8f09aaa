package glance

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"time"
)

// sizeKey is the context key of an upload's size in bytes.
type sizeKey struct{}

// sized is a RoundTripper that sets the Content-Length of uploads.
type sized struct{ base http.RoundTripper }

func (s sized) RoundTrip(r *http.Request) (*http.Response, error) {
	// A token is asked for in the context of the upload that needs it.
	size, ok := r.Context().Value(sizeKey{}).(int64)
	if !ok || r.Method != http.MethodPut {
		return s.base.RoundTrip(r)
	}
	upload := *r
	upload.ContentLength = size
	if size == 0 {
		upload.Body = http.NoBody
	}
	return s.base.RoundTrip(&upload)
}

// writeSize is how much of an image is read and written at once, in bytes.
const writeSize = 512 << 10

// newTransport returns a transport without a limit for whole exchanges: uploads
// take their time.
func newTransport(config *tls.Config) *http.Transport {
	dialer := &net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &conn{Conn: c}, nil
		},
		TLSClientConfig:       config,
		TLSHandshakeTimeout:   15 * time.Second,
		ExpectContinueTimeout: 2 * time.Second,
		MaxIdleConnsPerHost:   8,
		IdleConnTimeout:       90 * time.Second,
	}
}

// conn is a connection that takes bodies in large pieces. Net/http copies them
// in pieces of 32 KiB, unless the connection reads them itself.
type conn struct{ net.Conn }

// ReadFrom implements io.ReaderFrom.
func (c *conn) ReadFrom(r io.Reader) (int64, error) {
	return io.CopyBuffer(struct{ io.Writer }{c.Conn}, r, make([]byte, writeSize))
}
