# Everything that one does with Fairlead's source. What takes long once is kept in .cache.

# What to test, and with which further flags: make test PKG=./proxy/... ARGS='-run Drain -v'
PKG  ?= ./...
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo demo-down build image test e2e stress control-plane verify lint fmt generate bench bench-go release-dry-run publish clean distclean

##@ Try it

demo: ## Start a real control plane, demo backends and Fairlead, and say what to try. Ctrl-C ends all. DETACH=1 leaves it running.
	@go build -o bin/demo ./hack/demo
	@bin/demo up $(if $(DETACH),--detach)

demo-down: ## End a demo that was left running.
	@go run ./hack/demo down

build: ## Build bin/fairlead.
	hack/build.sh bin/fairlead

image: ## Make the image, dist/fairlead-image.tar, without Docker. TAG= and PLATFORMS= choose, PUSH=registry/name:tag sends it too.
	@TAG='$(TAG)' PLATFORMS='$(PLATFORMS)' PUSH='$(PUSH)' hack/image/fairlead.sh

##@ Change it

test: control-plane ## Run all tests with the race detector, those against a real API server too. PKG= and ARGS= choose.
	go test -race -timeout 20m $(ARGS) $(PKG)
	go test -race -tags portable $(ARGS) ./proxy/tunnel ./proxy

# What to tell of it: make e2e STORIES=./test/e2e/installed ARGS='-run TestScale'. KEEP=1 leaves the cluster running until Ctrl-C.
STORIES ?= ./test/nodes ./test/e2e/installed

e2e: ## Install Fairlead on two real nodes with containerd, as root, and tell what its users live through. STORIES= and ARGS= choose, KEEP=1 lingers.
	@TEST_NODES=check go test -race -count=1 ./test/nodes # before anything takes long
	hack/kube/build.sh nodes
	@hack/helm/build.sh
	@hack/image/build.sh
	TEST_NODES=required go test -race -count=1 -p 1 -v -timeout $(if $(KEEP),0,40m) $(ARGS) $(STORIES)

stress: ## Send 10 million checked messages through the tunnel engine, and a million under the race detector (3 minutes).
	go test -count 1 -run '^Test(Stress|Churn)$$' -v -timeout 30m ./proxy/tunnel -args -messages 10000000 -tunnels 20000
	go test -count 1 -run '^Test(Stress|Churn)$$' -v -timeout 30m -race ./proxy/tunnel -args -messages 1000000 -tunnels 5000

verify: ## Check all that needs no running system: format, generated files, vet, lint, dependency rules, docs.
	hack/verify.sh

lint: ## Run golangci-lint alone.
	"$$(hack/lint/build.sh)" run $(PKG)

fmt: ## Format the source and its imports.
	"$$(hack/lint/build.sh)" fmt

generate: ## Write deep copies, CRDs and roles anew from the Go types, and the chart's README from its values.
	hack/generate.sh
	hack/helm-docs/generate.sh

bench: ## Measure Fairlead beside nginx, HAProxy and others (hours; PEERS="nginx haproxy" MODES="echo idle" TLS=off ROUNDS=3: less).
	@mkdir -p .cache/bench && go build -o .cache/bench/wsbench ./test/bench/wsbench
	@.cache/bench/wsbench run $(if $(PEERS),--peers "$(PEERS)") $(if $(MODES),--modes "$(MODES)") \
		$(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(TLS),--tls $(TLS)) $(ARGS)

bench-go: ## Run the benchmarks of the Go packages.
	go test -run '^$$' -bench . -benchmem $(ARGS) ./proxy/... ./controllers/translate ./test/bench

control-plane: ## Build etcd, kube-apiserver, kube-controller-manager and kubectl (5 minutes, once).
	hack/kube/build.sh

##@ Release it

release-dry-run: ## Make all that a release consists of in dist/release, and try it out. REGISTRY=ghcr.io/fairlead names image and chart.
	@go run ./hack/release --registry '$(REGISTRY)'

publish: ## Send image and chart of dist/release to REGISTRY=, with the credentials of docker login.
	@REGISTRY='$(REGISTRY)' hack/release/publish.sh

##@ Leave it

clean: ## Delete what was built from this source.
	rm -rf bin dist

distclean: clean ## Delete the tools and the control plane in .cache too.
	rm -rf .cache

help: ## Show this list.
	@awk 'BEGIN { FS = ":.*## "; print "usage: make TARGET" } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z0-9-]+:.*## / { printf "  %-17s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)
