package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/access/keystone"
	"github.com/gangway-nfv/gangway/onboarding/access/oidc"
	"github.com/gangway-nfv/gangway/onboarding/rest"
	"github.com/gangway-nfv/gangway/vim"
)

// Serve is what can be configured of the server in the file only.
type Serve struct {
	Access   access.Config    `yaml:"access"`
	Keystone *keystone.Config `yaml:"keystone"`
	OIDC     *oidc.Config     `yaml:"oidc"`
}

// check returns everything that is wrong, with the key that it is under.
func (s Serve) check() error {
	errs := []error{under("serve.access", s.Access.Check())}
	if s.Keystone != nil {
		errs = append(errs, under("serve.keystone", s.Keystone.Check()))
	}
	if s.OIDC != nil {
		errs = append(errs, under("serve.oidc", s.OIDC.Check()))
	}
	return errors.Join(errs...)
}

// under names the key under which each line of an error's text is.
func under(key string, err error) error {
	if err == nil {
		return nil
	}
	var errs []error
	for line := range strings.Lines(err.Error()) {
		errs = append(errs, fmt.Errorf("%s.%s", key, strings.TrimSpace(line)))
	}
	return errors.Join(errs...)
}

type serveFlags struct {
	listening    rest.Listening
	externalURL  string
	proxies      []string
	stallTimeout time.Duration
	grace        time.Duration

	keepPackages    bool
	jobs            int
	pageSize        int
	packageSize     byteSize
	imageSize       byteSize
	projectSize     byteSize
	projectPackages int
	subscriptions   int // of a project
	projectUploads  int
	projectLaunches int
	projectJobs     int
	launches        vim.Options

	networks []netip.Prefix // of proxies
}

func (f *serveFlags) check() error {
	errs := []error{
		atLeast("stall-timeout", f.stallTimeout, time.Second),
		atLeast("grace-period", f.grace, time.Millisecond),
		atLeast("jobs", f.jobs, 1),
		atLeast("page-size", f.pageSize, 2),
		atLeast("max-project-packages", f.projectPackages, 0),
		atLeast("max-project-uploads", f.projectUploads, 0),
		atLeast("max-project-launches", f.projectLaunches, 0),
		atLeast("max-project-jobs", f.projectJobs, 0),
		atLeast("max-project-subscriptions", f.subscriptions, 0),
		checkUploads(f.launches),
	}
	if u, err := url.Parse(f.externalURL); f.externalURL != "" && (err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "http" && u.Scheme != "https") {
		errs = append(errs, fmt.Errorf("--external-url is %q, no http or https URL", f.externalURL))
	}
	f.networks = nil
	for _, proxy := range f.proxies {
		network, err := netip.ParsePrefix(proxy)
		if addr, addrErr := netip.ParseAddr(proxy); addrErr == nil {
			network, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("--trusted-proxy has %q, which is neither an address nor a network", proxy))
		}
		f.networks = append(f.networks, network)
	}
	if (f.listening.Certificate == "") != (f.listening.Key == "") {
		errs = append(errs, errors.New("--tls-cert and --tls-key go together"))
	}
	return errors.Join(errs...)
}

func newServe(a *app) *cobra.Command {
	f := &serveFlags{packageSize: 64 << 30, imageSize: 64 << 30}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the repository over HTTP",
		Long: `Serve the repository over HTTP: a page for browsers at /, ETSI SOL005 and SOL003, Open
Baton's REST API, and gangway's own, which is described at /openapi.json. It runs until it is interrupted
or terminated; then it lets requests under way end, and jobs that have not ended
go on at the next start.

At the first start a token for an admin of all projects is written to admin-token in
the home. Without a certificate the server listens on loopback only, unless
--plain-http says that others see to the safety of tokens on the way. The log tells
every request, unless --log-level says otherwise.`,
		Example: `  gangway serve
  gangway serve --listen :8443 --tls-cert cert.pem --tls-key key.pem`,
		Args: cobra.NoArgs,
	}
	run := a.running(f.check, func(ctx context.Context, _ []string) error {
		if !cmd.Flags().Changed("log-level") {
			a.config.LogLevel = "info"
			a.log = a.logger()
		}
		return a.serve(ctx, f, func(url, admin string) error {
			told := struct {
				URL        string `json:"url"`
				AdminToken string `json:"adminToken,omitempty"` // path of the file
			}{url, admin}
			return a.printItem(told, func(w io.Writer) error {
				if admin != "" {
					fmt.Fprintf(w, "a token for an admin of all projects is in %s\n", printable(admin))
				}
				_, err := fmt.Fprintf(w, "serving at %s\n", printable(url))
				return err
			})
		})
	})
	cmd.RunE = run
	flags := cmd.Flags()
	flags.StringVar(&f.listening.Address, "listen", "127.0.0.1:8080", "address and port to listen on; without an address, all of them")
	flags.StringVar(&f.listening.Certificate, "tls-cert", "", "PEM file of the certificate with those that it needs; read anew when it changes")
	flags.StringVar(&f.listening.Key, "tls-key", "", "PEM file of the certificate's key")
	flags.BoolVar(&f.listening.Plain, "plain-http", false, "listen without TLS where others can reach it")
	flags.StringVar(&f.externalURL, "external-url", "", "how clients reach the server, for links (default as each request says)")
	flags.StringSliceVar(&f.proxies, "trusted-proxy", nil, "address or network of a proxy that is believed in X-Forwarded-For")
	flags.DurationVar(&f.stallTimeout, "stall-timeout", time.Minute, "how long a transfer may stand still")
	flags.DurationVar(&f.grace, "grace-period", 30*time.Second, "how long requests under way may go on when the server stops")
	flags.BoolVar(&f.keepPackages, "keep-packages", true, "keep the original packages, to hand them out")
	flags.IntVar(&f.jobs, "jobs", 2, "packages at once")
	flags.IntVar(&f.pageSize, "page-size", 100, "packages or subscriptions that a list of the ETSI interfaces shows at once")
	flags.Var(&f.packageSize, "max-package-size", "largest package, 0 for any")
	flags.Var(&f.imageSize, "max-image-size", "largest image that is added without a package, 0 for any")
	flags.Var(&f.projectSize, "max-project-size", "what images and packages of a project may take in all, 0 for any")
	flags.IntVar(&f.projectPackages, "max-project-packages", 0, "packages that a project may have, 0 for any")
	flags.IntVar(&f.projectUploads, "max-project-uploads", 64, "uploads of a project at once, 0 for any")
	flags.IntVar(&f.projectLaunches, "max-project-launches", 64, "launches of a project at once that are waited for, 0 for any; others wait in the queue")
	flags.IntVar(&f.projectJobs, "max-project-jobs", 1000, "launches, images and packages by URL of a project that wait or run, 0 for any")
	flags.IntVar(&f.subscriptions, "max-project-subscriptions", 100, "subscriptions that a project may have at the ETSI interfaces, 0 for any")
	registerUploads(flags, &f.launches)
	return cmd
}
