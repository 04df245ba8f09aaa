package fetch

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Guard decides which addresses may be connected to on behalf of a URL that came
// from outside. It looks at the resolved address at the moment of connecting, so
// it holds for every redirect and cannot be talked round by DNS. A Guard does not
// change and is safe for concurrent use.
type Guard struct {
	private bool
	nets    []netip.Prefix
	hosts   map[string]bool
}

// BlockedError is a connection that the guard refused.
type BlockedError struct {
	Address string // the resolved address, or the name where only that is known
	Kind    string // such as loopback or private
}

func (e *BlockedError) Error() string {
	return fmt.Sprintf("address %s refused: %s, and not in the allow list", e.Address, e.Kind)
}

// NewGuard returns a guard that lets public unicast addresses pass. Each entry of
// allow is an address, a CIDR prefix or a host name; what it names passes whatever
// it is, and a host name vouches for all addresses it resolves to. With private,
// loopback, link-local, private, shared and test networks pass as well; metadata
// services, multicast and reserved addresses still need an entry.
func NewGuard(private bool, allow []string) (*Guard, error) {
	g := &Guard{private: private, hosts: map[string]bool{}}
	for _, entry := range allow {
		if addr, err := netip.ParseAddr(entry); err == nil {
			g.nets = append(g.nets, netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()))
			continue
		}
		if prefix, err := netip.ParsePrefix(entry); err == nil {
			g.nets = append(g.nets, prefix.Masked())
			continue
		}
		if entry == "" || strings.ContainsAny(entry, "/:*@ ") {
			return nil, fmt.Errorf("allow list entry %q: expected a host name, an address or a CIDR prefix", entry)
		}
		g.hosts[hostKey(entry)] = true
	}
	return g, nil
}

func hostKey(host string) string { return strings.ToLower(strings.TrimSuffix(host, ".")) }

// DialContext connects like [net.Dialer] if the guard lets the address pass. The
// error wraps a [*BlockedError] if it does not. Its signature is that of
// [net/http.Transport.DialContext].
func (g *Guard) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	d := net.Dialer{Timeout: 30 * time.Second} // per address
	if !g.hosts[hostKey(host)] {
		d.ControlContext = g.Control
	}
	return d.DialContext(ctx, network, address)
}

// Control checks a resolved address. Its signature is that of
// [net.Dialer.ControlContext].
func (g *Guard) Control(_ context.Context, _, address string, _ syscall.RawConn) error {
	addr, err := netip.ParseAddrPort(address)
	if err != nil {
		return &BlockedError{Address: address, Kind: "not an IP address"}
	}
	return g.Check(addr.Addr())
}

// Check returns a [*BlockedError] unless addr may be connected to.
func (g *Guard) Check(addr netip.Addr) error {
	plain := addr.WithZone("").Unmap()
	for _, prefix := range g.nets {
		if prefix.Contains(plain) {
			return nil
		}
	}
	for _, a := range embedded(plain) {
		kind, private := classify(a)
		if kind != "" && !(private && g.private) {
			return &BlockedError{Address: addr.String(), Kind: kind}
		}
	}
	return nil
}

// CheckName checks the host of a URL that a proxy will resolve: the address where
// the host is one, else the name. Numeric names are refused, since a proxy may
// read 2130706433 or 0x7f.1 as an address.
func (g *Guard) CheckName(host string) error {
	key := hostKey(host)
	if g.hosts[key] {
		return nil
	}
	if addr, err := netip.ParseAddr(key); err == nil {
		return g.Check(addr)
	}
	last := key[strings.LastIndexByte(key, '.')+1:]
	switch {
	case last == "localhost" && !g.private:
		return &BlockedError{Address: host, Kind: "loopback"}
	case numeric(last):
		return &BlockedError{Address: host, Kind: "not a plain address"}
	}
	return nil
}

// numeric reports whether a label makes a host an IPv4 address by the rules that
// browsers and inet_aton have.
func numeric(label string) bool {
	if strings.Trim(label, "0123456789") == "" {
		return true
	}
	_, err := strconv.ParseUint(label, 0, 64)
	return err == nil
}

// special lists the networks that are not the public Internet (the IANA special
// purpose address registries), the most specific ones first.
func special() []struct {
	prefix  netip.Prefix
	kind    string
	private bool // opened by private sources
} {
	type network = struct {
		prefix  netip.Prefix
		kind    string
		private bool
	}
	p := netip.MustParsePrefix
	return []network{
		{p("169.254.169.254/32"), "metadata service", false},
		{p("100.100.100.200/32"), "metadata service", false},
		{p("fd00:ec2::254/128"), "metadata service", false},
		{p("255.255.255.255/32"), "broadcast", false},
		{p("127.0.0.0/8"), "loopback", true},
		{p("::1/128"), "loopback", true},
		{p("169.254.0.0/16"), "link-local", true},
		{p("fe80::/10"), "link-local", true},
		{p("10.0.0.0/8"), "private", true},
		{p("172.16.0.0/12"), "private", true},
		{p("192.168.0.0/16"), "private", true},
		{p("fc00::/7"), "private", true},
		{p("fec0::/10"), "private", true},
		{p("64:ff9b:1::/48"), "private", true},
		{p("100.64.0.0/10"), "shared", true},
		{p("192.0.2.0/24"), "test network", true},
		{p("198.18.0.0/15"), "test network", true},
		{p("198.51.100.0/24"), "test network", true},
		{p("203.0.113.0/24"), "test network", true},
		{p("2001:db8::/32"), "test network", true},
		{p("3fff::/20"), "test network", true},
		{p("2001:2::/48"), "test network", true},
		{p("224.0.0.0/4"), "multicast", false},
		{p("ff00::/8"), "multicast", false},
		{p("0.0.0.0/8"), "unspecified", false},
		{p("::/128"), "unspecified", false},
		{p("192.0.0.0/24"), "reserved", false},
		{p("192.88.99.0/24"), "reserved", false},
		{p("240.0.0.0/4"), "reserved", false},
		{p("100::/64"), "reserved", false},
		{p("2001::/23"), "reserved", false}, // Teredo, ORCHID and their like
		{p("5f00::/16"), "reserved", false},
	}
}

// classify names what addr is, empty for a public unicast address.
func classify(addr netip.Addr) (kind string, private bool) {
	for _, n := range special() {
		if n.prefix.Contains(addr) {
			return n.kind, n.private
		}
	}
	return "", false
}

// embedded returns addr and the IPv4 address that a translator on the way would
// make of it.
func embedded(addr netip.Addr) []netip.Addr {
	if !addr.Is6() {
		return []netip.Addr{addr}
	}
	b := addr.As16()
	v4 := func(at int) []netip.Addr {
		return []netip.Addr{addr, netip.AddrFrom4([4]byte(b[at : at+4]))}
	}
	high, low := binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint32(b[8:12])
	switch {
	case high == 0x0064ff9b<<32 && low == 0: // NAT64, RFC 6052
		return v4(12)
	case high>>48 == 0x2002: // 6to4, RFC 3056
		return v4(2)
	case high == 0 && low == 0 && !addr.IsLoopback() && !addr.IsUnspecified(): // IPv4-compatible
		return v4(12)
	case low == 0x00005efe || low == 0x02005efe: // ISATAP, RFC 5214
		return v4(12)
	}
	return []netip.Addr{addr}
}
