using PcieOe.Cli.Lab;
using PcieOe.Transport.Ports;
using PcieOe.Transport.Ports.Packet;
using Xunit;

namespace PcieOe.Transport.Tests.Ports;

/// <summary>A lab for one test, skipped where this machine does not allow one.</summary>
internal static class LabFixture
{
    internal const string Interface = NetworkLab.InterfaceName;

    internal static NetworkLab Create(int mtu = 9000)
    {
        try
        {
            NetworkNamespace.Create("trial").Dispose();
        }
        catch (LabException exception)
        {
            Assert.Skip(exception.Message);
        }

        return NetworkLab.Create(mtu);
    }

    internal static PacketPortOptions Options => new() { InterfaceName = Interface, ReceiveSlots = 64 };

    internal static PacketPort Open(this NetworkNamespace place, Func<PacketPortOptions, PacketPortOptions>? change = null)
    {
        PacketPortOptions options = Options;
        return place.Run(() => PacketPort.Open(change is null ? options : change(options)));
    }

    /// <summary>Polls until something has come or the time is up.</summary>
    internal static List<byte[]> ReceiveUntil(this IPort port, int frames, int milliseconds = 2000)
    {
        List<byte[]> received = [];
        ReceivedFrame[] batch = new ReceivedFrame[16];
        for (long end = Environment.TickCount64 + milliseconds; received.Count < frames && Environment.TickCount64 < end;)
        {
            int count = port.Receive(batch);
            for (int i = 0; i < count; i++)
            {
                received.Add(batch[i].Bytes.ToArray());
            }

            port.Release();
        }

        return received;
    }

    /// <summary>Polls, discarding frames, until a condition holds or the time is up.</summary>
    internal static bool PollUntil(this IPort port, Func<bool> condition, int milliseconds = 3000)
    {
        for (long end = Environment.TickCount64 + milliseconds; !condition();)
        {
            if (Environment.TickCount64 >= end)
            {
                return false;
            }

            port.ReceiveUntil(1, 1);
        }

        return true;
    }
}
