#!/usr/bin/env node

// `kubectl svc2nft` runs this file; by its name, the program knows.
import './svc2nft.js';
