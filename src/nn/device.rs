//! Which device the tensors live on.

use candle_core::Device;

/// The best device this build can use: a CUDA or Metal accelerator where its feature is built in and one
/// answers, the CPU otherwise.
pub fn device() -> Device {
    let metal = || Device::metal_if_available(0).unwrap_or(Device::Cpu);
    match Device::cuda_if_available(0) {
        Ok(device) if device.is_cuda() => device,
        _ => metal(),
    }
}

#[cfg(all(test, not(feature = "cuda"), not(feature = "metal")))]
mod tests {
    #[test]
    fn without_an_accelerator_it_is_the_cpu() {
        assert!(super::device().is_cpu());
    }
}
