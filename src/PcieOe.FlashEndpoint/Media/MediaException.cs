namespace PcieOe.FlashEndpoint.Media;

/// <summary>A medium cannot be opened. The message is for the operator: what is wrong, and what to do.</summary>
public sealed class MediaException : IOException
{
    public MediaException(string message)
        : base(message)
    {
    }

    public MediaException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    public MediaException()
    {
    }
}
