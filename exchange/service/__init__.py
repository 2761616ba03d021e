"""The exchange as a hub service: releases, submissions, feedback and policies over HTTP."""
