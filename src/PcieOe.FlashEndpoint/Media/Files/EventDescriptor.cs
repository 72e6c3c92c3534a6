using PcieOe.FlashEndpoint.Interop;

namespace PcieOe.FlashEndpoint.Media.Files;

/// <summary>An eventfd: set by one thread, waited for and cleared by another.</summary>
internal sealed unsafe class EventDescriptor : IDisposable
{
    private bool _isDisposed;

    public EventDescriptor(bool isBlocking)
    {
        Descriptor = Libc.EventDescriptor(0, Libc.EventCloseOnExec | (isBlocking ? 0 : Libc.EventNonBlocking));
        if (Descriptor < 0)
        {
            throw new MediaException($"No eventfd can be made ({Errno.Describe(Libc.LastError)}): raise the limit of open files (ulimit -n).");
        }
    }

    public int Descriptor { get; }

    public void Set()
    {
        ulong one = 1;
        _ = Libc.Write(Descriptor, &one, sizeof(ulong));
    }

    /// <summary>Clears it; a blocking one waits until it is set (or a signal comes). False: it was not set.</summary>
    public bool TryClear()
    {
        ulong count;
        return Libc.Read(Descriptor, &count, sizeof(ulong)) == sizeof(ulong);
    }

    public void Dispose()
    {
        if (!_isDisposed)
        {
            _isDisposed = true;
            _ = Libc.Close(Descriptor);
        }
    }
}
