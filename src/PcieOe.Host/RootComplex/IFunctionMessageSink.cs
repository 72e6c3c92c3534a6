using PcieOe.Protocol.Tlp;

namespace PcieOe.Host.RootComplex;

/// <summary>Hears the messages of a function: vendor-defined ones carry hop stamps. On the worker's thread.</summary>
public interface IFunctionMessageSink
{
    /// <param name="frameNumber">The frame that brought it.</param>
    void OnMessage(in TlpView message, ulong frameNumber, long now);
}
