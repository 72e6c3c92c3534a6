using PcieOe.Protocol.Ethernet;

namespace PcieOe.Transport.Ports;

/// <summary>
/// An Ethernet port: whole frames in and out, in batches, nothing more. It belongs to one thread. Received frames lie in the port's
/// memory until released; frames to send lie in the caller's memory and may be used again as soon as <see cref="Send"/> returns.
/// Nothing here blocks, allocates or throws in steady state; loss is the link's business.
/// </summary>
public interface IPort : IDisposable
{
    string Name { get; }

    /// <summary>The port's own address. May change when an interface is made anew.</summary>
    MacAddress Address { get; }

    /// <summary>Payload bytes of an Ethernet frame, without its header.</summary>
    int MaximumTransmissionUnit { get; }

    PortState State { get; }

    /// <summary>
    /// A descriptor that poll(2) reports readable when frames wait, or when the port wants <see cref="Receive"/> called; -1 if there is none.
    /// May change when an interface is made anew: read it before each wait.
    /// </summary>
    int PollDescriptor { get; }

    ref readonly PortCounters Counters { get; }

    /// <summary>
    /// The frames that have come, oldest first, at most <paramref name="batch"/>.Length; frames of the port's own sending are not among them.
    /// They stay valid until <see cref="Release"/>, which must come before the next Receive.
    /// </summary>
    int Receive(Span<ReceivedFrame> batch);

    /// <summary>Gives all frames of the last <see cref="Receive"/> back.</summary>
    void Release();

    /// <summary>
    /// Sends the frames in order. Returns how many the port took; the rest it could not take now (no buffers, link down): the caller
    /// treats them as lost on the wire.
    /// </summary>
    int Send(ReadOnlySpan<OutgoingFrame> batch);
}

/// <summary>Whether frames can pass.</summary>
public enum PortState : byte
{
    Up,

    /// <summary>The interface is down or gone; the port looks for it again by itself.</summary>
    Down,

    /// <summary>The interface's MTU shrank below what the port was opened with: frames would not fit.</summary>
    MtuTooSmall,
}
