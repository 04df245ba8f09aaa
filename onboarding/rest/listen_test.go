package rest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestListen(t *testing.T) {
	folder := t.TempDir()
	cert, key := writeCertificate(t, folder, "one")
	for name, test := range map[string]struct {
		at    Listening
		plain bool // refused as plain
		fails bool
	}{
		"loopback":                    {Listening{Address: "127.0.0.1:0"}, false, false},
		"localhost":                   {Listening{Address: "localhost:0"}, false, false},
		"everywhere":                  {Listening{Address: ":0"}, true, true},
		"everywhere in IPv4":          {Listening{Address: "0.0.0.0:0"}, true, true},
		"everywhere, told to":         {Listening{Address: ":0", Plain: true}, false, false},
		"everywhere with TLS":         {Listening{Address: ":0", Certificate: cert, Key: key}, false, false},
		"a certificate without a key": {Listening{Address: "127.0.0.1:0", Certificate: cert}, false, true},
		"a key that does not fit":     {Listening{Address: "127.0.0.1:0", Certificate: cert, Key: cert}, false, true},
		"no address":                  {Listening{Address: "nowhere"}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			listener, err := test.at.Listen(slog.New(slog.DiscardHandler))
			if err == nil {
				listener.Close()
			}
			if (err != nil) != test.fails || errors.Is(err, ErrPlain) != test.plain {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestACertificateIsReadAnewWhenItChanges(t *testing.T) {
	folder := t.TempDir()
	cert, key := writeCertificate(t, folder, "one")
	c, err := loadCertificate(cert, key, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	name := func() string {
		t.Helper()
		c.looked = time.Time{} // as if a second had passed
		pair, err := c.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		return pair.Leaf.Subject.CommonName
	}
	if got := name(); got != "one" {
		t.Errorf("certificate %s", got)
	}
	writeCertificate(t, folder, "the-second")
	if got := name(); got != "the-second" {
		t.Errorf("certificate %s after the change", got)
	}
	if err := os.WriteFile(key, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := name(); got != "the-second" {
		t.Errorf("certificate %s while the key is broken", got)
	}
	writeCertificate(t, folder, "a-third")
	if got := name(); got != "a-third" {
		t.Errorf("certificate %s after the key was mended", got)
	}
}

func TestServeWithTLS(t *testing.T) {
	cert, key := writeCertificate(t, t.TempDir(), "one")
	listener, err := Listening{Address: "127.0.0.1:0", Certificate: cert, Key: key}.Listen(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{}
	s, err := New([]Door{route("GET", func(w http.ResponseWriter, r *http.Request) error {
		_, err := w.Write([]byte(r.Proto + " " + CallerOf(r.Context()).BaseURL))
		return err
	})}, f.options())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, listener) }()
	pem, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}}
	url := "https://" + listener.Addr().String()
	if _, text := do(t, client, "GET", url+"/x"); text != "HTTP/2.0 "+url {
		t.Errorf("answer %q", text)
	}
	client.CloseIdleConnections()
	stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestSystemdIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	if err := Notify("READY=1"); err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 100)
	n, err := socket.Read(text)
	if err != nil || string(text[:n]) != "READY=1" {
		t.Errorf("told %q, %v", text[:n], err)
	}
	t.Setenv("NOTIFY_SOCKET", "")
	if err := Notify("READY=1"); err != nil {
		t.Errorf("without systemd: %v", err)
	}
}

// writeCertificate writes a certificate for 127.0.0.1 and its key into a folder.
func writeCertificate(t *testing.T, folder, name string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	public, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: public}, key: {Type: "EC PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}
