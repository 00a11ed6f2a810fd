//! The client against listeners on real sockets, which answer with any failure of the test.

#[cfg(test)]
mod apply;
#[cfg(test)]
mod calls;
#[cfg(test)]
mod connections;
#[cfg(test)]
mod observe;
#[cfg(test)]
mod release;
#[cfg(test)]
mod rows;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod simulator;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod writes;
