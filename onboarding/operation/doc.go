// Package operation runs what a caller starts and may not want to wait for: giving
// VIMs what a package needs, fetching an image from a URL, examining the repository.
//
//	Launch   ─▶ a job of kind launch ─▶ onboarding.Pipeline.Launch ─▶ LaunchReport
//	AddImage ─▶ a job of kind image  ─▶ onboarding.Pipeline.Add    ─▶ Report
//	Examine  ─▶ a job of kind doctor ─▶ imagerepo.Repository.Doctor ─▶ Diagnosis
//
// Each is a job of package job, also where the caller waits for it, so that it is
// listed, watched and cancelled in one way, survives the process, and is joined by
// who asks for the same under the same key. The operation's ID is the job's.
// Packages have operations of their own, in package vnfpkg.
package operation
