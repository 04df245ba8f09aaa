// Package onboardingtest builds VNF packages for tests, demonstrations and
// benchmarks: good ones, huge ones and hostile ones.
//
//	Image ──▶ Spec ──▶ OpenBatonTar │ OpenBatonCSAR │ SOL004 ──▶ []Member ──▶ Write
//	bytes     what     the layout of a packaging convention      files        tar, tar.gz … zip
//
// Everything is reproducible: the same arguments give the same bytes on every
// machine. Everything streams: a package of 10 GiB needs no more memory than
// one of 10 KiB. Nothing here takes a *testing.T, so that cmd/mkcsar can use it.
//
// A package that differs from the usual is a [Spec] whose members a test edits
// before it writes them:
//
//	members := onboardingtest.OpenBatonTar(spec)
//	members = append(members, onboardingtest.Text("scripts/extra.sh", "#!/bin/sh\n"))
//	err := onboardingtest.Write(w, onboardingtest.TarGzip, members)
package onboardingtest
