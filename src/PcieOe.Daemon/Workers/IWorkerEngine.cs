using PcieOe.Protocol.Ethernet;
using PcieOe.Transport.Ports;

namespace PcieOe.Daemon.Workers;

/// <summary>What a poll worker drives: a daemon's sessions and all they touch. One thread; time is handed in, monotonic nanoseconds.</summary>
public interface IWorkerEngine
{
    /// <summary>A frame of ours came. Whether anything waits in it is for the engine to find out.</summary>
    /// <param name="frame">From the link's header on; padding may follow.</param>
    void OnFrame(ReadOnlySpan<byte> frame, MacAddress source, in ReceivedFrame received, long now);

    /// <summary>Looks at everything that does not come in frames (rings, mapped pages, media) and moves what can move. True: there was work.</summary>
    bool Poll(long now);

    /// <summary>Adds frames that are to leave now until there are none or the batch is full.</summary>
    void CollectFrames(FrameBatch batch, MacAddress source, long now);

    /// <summary>What was added last is handed to the port next. Called only for a batch that <see cref="FrameBatch.IsTimed"/>.</summary>
    void OnLeaving()
    {
    }

    /// <summary>The port did not take a frame that <paramref name="owner"/> added.</summary>
    void OnSendRefused(int owner, long now);

    /// <summary>When <see cref="OnTimer"/> wants to be called; <see cref="long.MaxValue"/> for never.</summary>
    long NextDeadline { get; }

    void OnTimer(long now);

    /// <summary>
    /// Whether something may need the worker without waking it (a page that a client writes to): then it never sleeps longer than a
    /// bounded while.
    /// </summary>
    bool MustKeepLooking { get; }
}
