//! What analysis says of single statements.

#[cfg(test)]
mod attacks;
#[cfg(test)]
mod bounds;
#[cfg(test)]
mod degrade;
#[cfg(test)]
mod equality;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod names;
#[cfg(test)]
mod show;
#[cfg(test)]
mod usage;
#[cfg(test)]
mod utility;
#[cfg(test)]
mod writes;
