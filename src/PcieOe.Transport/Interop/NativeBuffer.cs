using System.Runtime.InteropServices;

namespace PcieOe.Transport.Interop;

/// <summary>
/// Memory that the collector neither moves nor scans, zeroed, reserved once. It comes from mmap, so that pages nobody touches cost nothing.
/// </summary>
internal sealed unsafe class NativeBuffer : IDisposable
{
    private const int ReadWrite = 0x1 | 0x2;
    private const int PrivateAnonymousNoReserve = 0x2 | 0x20 | 0x4000;

    private byte* _pointer;

    internal NativeBuffer(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
        void* pointer = LibC.MemoryMap(null, (nuint)bytes, ReadWrite, PrivateAnonymousNoReserve, -1, 0);
        if (pointer == (void*)-1)
        {
            throw new InsufficientMemoryException($"Could not reserve {bytes} bytes: {Errno.Describe(Marshal.GetLastPInvokeError())}.");
        }

        _pointer = (byte*)pointer;
        Bytes = bytes;
    }

    ~NativeBuffer() => Free();

    internal byte* Pointer => _pointer;

    internal long Bytes { get; }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        if (_pointer != null)
        {
            _ = LibC.MemoryUnmap(_pointer, (nuint)Bytes);
            _pointer = null;
        }
    }
}
