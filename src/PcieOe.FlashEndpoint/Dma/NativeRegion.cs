using System.Runtime.InteropServices;

namespace PcieOe.FlashEndpoint.Dma;

/// <summary>Zeroed memory outside the collected heap, aligned to 4 KiB. Large ones cost address space alone until they are touched.</summary>
internal sealed unsafe class NativeRegion : IDisposable
{
    private const int Alignment = 4096;
    private readonly byte* _start;
    private void* _allocation;

    public NativeRegion(long bytes)
    {
        LengthBytes = bytes;
        _allocation = NativeMemory.AllocZeroed((nuint)(bytes + Alignment));
        _start = (byte*)(((nuint)_allocation + Alignment - 1) & ~(nuint)(Alignment - 1));
    }

    ~NativeRegion() => Free();

    public long LengthBytes { get; }

    public byte* Start => _start;

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        if (_allocation is not null)
        {
            NativeMemory.Free(_allocation);
            _allocation = null;
        }
    }
}
