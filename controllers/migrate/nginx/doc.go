// Package nginx turns nginx configurations into the objects that Fairlead serves, and tells what
// became of every directive.
//
// It is pure: package nginxsyntax has read the configuration, and what is needed of other files comes
// through [Options.Read]. The way of a configuration is
//
//	contexts   http, server, upstream, map and zones are found, wherever includes put them
//	servers    names, ports and certificates; which server only sends clients to https
//	locations  a flat list in the order in which nginx would ask them
//	routes     each location with proxy_pass, a redirect or a refusal becomes one or more routes
//	objects    WebSocketRoutes or Ingresses, Services and EndpointSlices
//
// By default routes become WebSocketRoutes, because they keep more: weights of servers, prefixes that
// are compared by letters beside others that are not, replaced prefixes without touching the other
// paths of the host, and policies for each location. What only an Ingress can say (redirects to
// other places, CORS answers, client certificates) becomes an Ingress beside them.
//
// Every directive is told, also those that nobody here thought of: what no code has spoken of when all
// is done is looked up in a table of names, and told as lost when it is not there either.
package nginx
