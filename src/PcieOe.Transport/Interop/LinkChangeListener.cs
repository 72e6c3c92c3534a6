using System.Runtime.InteropServices;

namespace PcieOe.Transport.Interop;

/// <summary>
/// Hears that some interface changed (rtnetlink's link group, man 7 rtnetlink). What changed is then asked anew, so that a message lost or
/// misread costs nothing: the messages' content is not looked at.
/// </summary>
internal sealed unsafe class LinkChangeListener : IDisposable
{
    private const int NetlinkFamily = 16;
    private const int RouteProtocol = 0;
    private const uint LinkGroup = 1;

    private int _descriptor;

    /// <summary><c>struct sockaddr_nl</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct NetlinkAddress
    {
        public ushort Family;
        public ushort Padding;
        public uint PortId;
        public uint Groups;
    }

    /// <summary>Where netlink is forbidden (a hardened unit) the listener hears nothing, and whoever asks must ask by time alone.</summary>
    internal LinkChangeListener()
    {
        _descriptor = LibC.Socket(NetlinkFamily, PacketSocketAbi.RawNonBlockingCloseOnExec, RouteProtocol);
        NetlinkAddress address = new() { Family = NetlinkFamily, Groups = LinkGroup };
        if (_descriptor >= 0 && LibC.Bind(_descriptor, &address, (uint)sizeof(NetlinkAddress)) < 0)
        {
            Dispose();
        }
    }

    ~LinkChangeListener() => Close();

    /// <summary>-1 if it hears nothing.</summary>
    internal int Descriptor => _descriptor;

    /// <summary>Whether anything changed since the last call.</summary>
    internal bool Drain()
    {
        if (_descriptor < 0)
        {
            return false;
        }

        // A full socket buffer answers ENOBUFS once: something was missed, so something changed.
        bool changed = false;
        byte discarded;
        for (int i = 0; i < 64; i++)
        {
            if (LibC.Receive(_descriptor, &discarded, 1, PacketSocketAbi.DoNotWait) < 0 && Marshal.GetLastPInvokeError() == Errno.TryAgain)
            {
                break;
            }

            changed = true;
        }

        return changed;
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
