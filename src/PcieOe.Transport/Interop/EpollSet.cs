using System.Runtime.InteropServices;

namespace PcieOe.Transport.Interop;

/// <summary>An epoll descriptor (man 7 epoll), used only to wait on several descriptors through one.</summary>
internal sealed unsafe class EpollSet : IDisposable
{
    private const int CloseOnExec = 0x80000;
    private const int Add = 1;
    private const int InputReady = 0x1;

    private int _descriptor;

    internal EpollSet()
    {
        _descriptor = LibC.EpollCreate(CloseOnExec);
        if (_descriptor < 0)
        {
            throw new IOException($"Could not create an epoll descriptor: {Errno.Describe(Marshal.GetLastPInvokeError())}.");
        }
    }

    ~EpollSet() => Close();

    internal int Descriptor => _descriptor;

    internal void AddForInput(int descriptor)
    {
        // struct epoll_event is packed on x86-64 (12 bytes) and not elsewhere (16); its data stays unused, so both shapes are served.
        ulong* entry = stackalloc ulong[2];
        *(uint*)entry = InputReady;
        if (LibC.EpollControl(_descriptor, Add, descriptor, entry) < 0)
        {
            throw new IOException($"Could not wait on a descriptor: {Errno.Describe(Marshal.GetLastPInvokeError())}.");
        }
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
