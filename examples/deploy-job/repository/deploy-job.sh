#!/bin/sh
# The deploy job as it was: every manifest of an environment, combined into one, handed to kubectl.
set -eu
environment=$1
kubectl kustomize "deploy/$environment" >"combined-$environment.yaml"
kubectl apply -f "combined-$environment.yaml"
