package rest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"
)

// Listening says where a server listens.
type Listening struct {
	Address string // host:port
	// Certificate and Key are the paths of PEM files; both or none are set.
	Certificate, Key string
	// Plain lets the server listen without TLS where others can reach it.
	Plain bool
}

// ErrPlain says that tokens would travel where others can read them.
var ErrPlain = errors.New("without TLS the server listens on loopback only, unless it is told that others see to that")

// Listen opens the socket. Without a certificate it listens on loopback only, and
// fails with an error that wraps [ErrPlain] otherwise, unless Plain is set. The
// certificate's files are read anew when they change.
func (l Listening) Listen(log *slog.Logger) (net.Listener, error) {
	if (l.Certificate == "") != (l.Key == "") {
		return nil, errors.New("a certificate and a key are needed, not only one of them")
	}
	var certificate *certificate
	if l.Certificate != "" {
		var err error
		if certificate, err = loadCertificate(l.Certificate, l.Key, log); err != nil {
			return nil, err
		}
	}
	at, err := net.ResolveTCPAddr("tcp", l.Address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", l.Address, err)
	}
	if certificate == nil && !l.Plain && !at.IP.IsLoopback() {
		return nil, fmt.Errorf("listen on %s: %w", l.Address, ErrPlain)
	}
	socket, err := net.ListenTCP("tcp", at)
	if err != nil || certificate == nil {
		return socket, err
	}
	return tls.NewListener(socket, &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, GetCertificate: certificate.get,
	}), nil
}

const (
	headerTime = 30 * time.Second // for a request's header to come
	idleTime   = 2 * time.Minute  // between two requests on a connection
	headerSize = 64 << 10         // bytes
)

// Serve answers the requests of a listener, which it closes, until the context
// ends. Then it takes no more, gives those under way [Options.Grace], cuts those
// that are not done by then, and returns when no handler runs any more. The error is
// nil after that. A server serves once.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler: s, ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, MaxHeaderBytes: headerSize,
		ErrorLog:    slog.NewLogLogger(s.options.Log.Handler(), slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context { return s.cut },
	}
	defer s.leave()
	defer s.cutOff(ErrStopping)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return errors.Join(err, server.Close())
	case <-ctx.Done():
	}
	s.options.Log.InfoContext(ctx, "stopping", "grace", s.options.Grace)
	s.beginStopping(ErrStopping)
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.options.Grace)
	defer cancel()
	err := server.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		s.options.Log.WarnContext(ctx, "requests are cut, as the grace is over")
		err = s.abandon(server)
	}
	<-served
	return err
}

// cutTime is how long requests that are cut have to say so to their clients.
const cutTime = time.Second

// abandon ends the requests under way.
func (s *Server) abandon(server *http.Server) error {
	s.cutOff(ErrStopping)
	last, cancel := context.WithTimeout(context.Background(), cutTime)
	defer cancel()
	if err := server.Shutdown(last); err == nil {
		return nil
	}
	return server.Close()
}

// Notify tells systemd how the service is, as sd_notify(3) does: READY=1 or
// STOPPING=1. Without systemd it does nothing.
func Notify(state string) error {
	address := os.Getenv("NOTIFY_SOCKET")
	if address == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("notify systemd: %w", err)
	}
	_, err = conn.Write([]byte(state))
	return errors.Join(err, conn.Close())
}
