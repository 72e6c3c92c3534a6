using System.Runtime.InteropServices;
using PcieOe.Host.Interop;

namespace PcieOe.Host.FrontEnds.VfioUser.Memory;

/// <summary>
/// Memory that the agent gives to its client by descriptor: a memfd as long as the BAR, of which only the watched pages are ever touched.
/// Sealed, so that a client cannot cut it short under the agent.
/// </summary>
internal sealed class SharedPages : IDisposable
{
    private const uint CloseOnExecAllowSealing = 0x1 | 0x2;
    private const int AddSeals = 1033;
    private const int SealShrinkGrowSeal = 0x1 | 0x2 | 0x4;

    private readonly NativeMemoryRange _memory;

    public SharedPages(ulong bytes)
    {
        Descriptor = LibC.MemoryDescriptor("pcieoe-doorbells", CloseOnExecAllowSealing);
        NativeMemoryRange? memory = null;
        int error = Errno.None;
        if (Descriptor < 0 || LibC.Truncate(Descriptor, (long)bytes) < 0 || LibC.FileControl(Descriptor, AddSeals, SealShrinkGrowSeal) < 0)
        {
            error = Marshal.GetLastPInvokeError();
        }
        else
        {
            memory = NativeMemoryRange.TryMapFile(Descriptor, 0, bytes, isWritable: true, out error);
        }

        if (memory is null)
        {
            _ = Descriptor < 0 ? 0 : LibC.Close(Descriptor);
            throw new IOException($"Could not make {bytes} bytes of memory to share: {Errno.Describe(error)}.");
        }

        _memory = memory;
    }

    public int Descriptor { get; }

    public unsafe byte* Pointer => _memory.Pointer;

    public ulong Bytes => _memory.Bytes;

    public void Dispose()
    {
        _memory.Dispose();
        _ = LibC.Close(Descriptor);
    }
}
