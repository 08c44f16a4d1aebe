#!/usr/bin/env node

// kubectl runs this file to complete `kubectl svc2nft ...`; by its name, the program knows.
import './svc2nft.js';
