//! The program as its users meet it, and the rules of the house. One binary, so that it links once.

// Every function here is a test or serves one.
#![allow(clippy::unwrap_used)]

mod accounts;
mod alone;
mod attacks;
mod bench;
mod blind;
mod bounds;
mod browser;
mod bundles;
mod canaries;
mod clients;
mod conformance;
mod connect;
mod connect_check;
mod connect_hands;
mod connect_webhooks;
mod contract;
mod crashes;
mod demo;
mod demo_serve;
mod drafts;
mod generated;
mod habits;
mod house;
mod incidents;
mod manager_pages;
mod odd_input;
mod program;
mod programme;
mod reading;
mod replay;
mod review_page;
mod reviewing;
mod rollout;
mod served;
mod service;
mod storage;
mod tool;
mod triggers;
mod way;
mod writers;
