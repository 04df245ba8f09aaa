// Package glance speaks to OpenStack for package vim: Keystone for tokens and
// endpoints, the Image API v2 for everything else. It is the only package that
// imports gophercloud.
//
// VIMs come from the standard places of OpenStack's clients ([Load]): each cloud
// of clouds.yaml is one, and the OS_* variables are another. [Config.Open] gives
// a [Cloud], which connects when it is first used.
//
// # Uploads
//
// gophercloud repeats requests, after a 401 and from its retry hooks, and
// repeats the body from wherever it stands: a body that it has drained is sent
// again as an empty one, with success. Here a body is sent once:
//
//   - One call of Upload is one PUT. Repeating is the business of package vim,
//     with a new body.
//   - The body refuses to seek, which makes gophercloud give up after it has
//     authenticated anew. The retry hooks stay nil.
//   - Content-Length is always set, by a RoundTripper, as gophercloud has no way
//     to: a body that ends early is an error and not a short image.
//     X-OpenStack-Image-Size says the same to Glances behind proxies.
//   - Expect: 100-continue lets Glance refuse a token, a status or a size before
//     the body is sent.
//
// There is no limit to how long an upload may take, only to how long it may
// stand still ([Options.StallTimeout]).
package glance
