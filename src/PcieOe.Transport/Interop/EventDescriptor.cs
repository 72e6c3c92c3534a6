using System.Runtime.InteropServices;

namespace PcieOe.Transport.Interop;

/// <summary>An eventfd of this process (man 2 eventfd): any thread signals it, the one that waits on it clears it. Neither ever blocks.</summary>
public sealed unsafe class EventDescriptor : IDisposable
{
    private const int NonBlockingCloseOnExec = 0x800 | 0x80000;

    private int _descriptor;

    public EventDescriptor()
    {
        _descriptor = LibC.EventDescriptor(0, NonBlockingCloseOnExec);
        if (_descriptor < 0)
        {
            throw new IOException($"Could not create an eventfd: {Errno.Describe(Marshal.GetLastPInvokeError())}.");
        }
    }

    ~EventDescriptor() => Close();

    public int Descriptor => _descriptor;

    public void Signal()
    {
        ulong one = 1;
        _ = LibC.Write(_descriptor, &one, sizeof(ulong));
    }

    public void Clear()
    {
        ulong count;
        _ = LibC.Read(_descriptor, &count, sizeof(ulong));
    }

    public void Dispose()
    {
        Close();
        GC.SuppressFinalize(this);
    }

    private void Close()
    {
        int descriptor = Interlocked.Exchange(ref _descriptor, -1);
        if (descriptor >= 0)
        {
            _ = LibC.Close(descriptor);
        }
    }
}
