#!/bin/sh
# The deploy job with Landfall: all of it, or nothing, and whoever is told of production is told of staging too.
set -eu
environment=$1
landfall apply "deploy/$environment" --env "$environment"
